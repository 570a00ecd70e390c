"""Users out of every table of the schema; which tables these are, the schema itself tells."""

from collections.abc import Sequence

from recsys_tasks.warehouse.session import Session

Rows = dict[str, int]  # by table: how many


def remove_users(session: Session, user_keys: Sequence[int], person_keys: Sequence[int]) -> Rows:
    """Delete everything that is kept by user of some users; of others nothing changes.

    Only what names them in other users' rows goes too: as neighbours, and as people to follow. The
    texts that they wrote are questioned: `remove_questioned_texts` deletes those that nobody else
    wrote.

    Args:
        session: An exclusive transaction.
        user_keys: The users.
        person_keys: Keys, negative, of items that stand for them and are forgotten as people.

    Returns:
        Rows by table, in the order in which they were deleted. Of other users' rows that changed,
        the number stands under the table's name with "others in" before it.
    """
    asked = {"user_keys": list(user_keys)}
    people = [*user_keys, *person_keys]
    session.execute("create_texts_in_question", **asked)
    session.execute("count_users_off", **asked)
    session.execute("count_lists_off", **asked)
    rows: Rows = {}
    for table, statement in session.rows("deletes_of_users"):
        ((n,),) = session.select(statement, asked)
        rows[table] = rows.get(table, 0) + int(n)
    rows["others in user_neighbours"] = session.execute("forget_as_neighbours", **asked)
    rows["others in suggested_people"] = session.execute("forget_as_people", person_keys=people)
    rows["users"] = session.execute("delete_users", **asked)
    return rows


def remove_questioned_texts(session: Session) -> Rows:
    """Delete the texts that are in question and that nobody else wrote, with their vectors."""
    session.execute("keep_texts_of_others")
    rows = {
        "text_vectors": session.execute("delete_vectors_of_texts"),
        "texts": session.execute("delete_texts"),
    }
    session.execute("drop_texts_in_question")
    return rows
