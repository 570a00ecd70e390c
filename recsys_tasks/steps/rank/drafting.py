"""A block of a night's users on its way to the draft: read, then made, then written."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps.rank.beside import Beside, Passing, passing_of, write_passing
from recsys_tasks.steps.rank.drafts import Drafted, lengths_of, strategies_of, write_lists
from recsys_tasks.steps.rank.inputs import Picture, with_users
from recsys_tasks.steps.rank.listing import Setting, lists_of_variants
from recsys_tasks.steps.rank.reasoning import read_history, with_reasons
from recsys_tasks.steps.rank.users import read_known, read_used_up
from recsys_tasks.steps.rank.variants import Shown, read_variants
from recsys_tasks.steps.rank.wording import Words, read_words
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.interests import Interests
from recsys_tasks.warehouse.weighing import Weighed


class Block(NamedTuple):
    """What is read of n users.

    Attributes:
        user_keys: Theirs, shape (n,).
        known: Their interests.
        used_up: What the repeat policy keeps out, shape (n, n_items).
        listed: Rows of the m users whose lists are made.
        variant_keys: Their variants, shape (m,).
        history: What they did of late.
        words: What a language model said of some of them.
    """

    user_keys: NDArray[np.int32]
    known: Interests
    used_up: sparse.csr_array
    listed: NDArray[np.intp]
    variant_keys: NDArray[np.int16]
    history: Weighed
    words: Words


class Made(NamedTuple):
    """What is to be written of a block.

    Attributes:
        picture: With the users whose lists were made.
        drafted: Their lists.
        passing: What is shown of all that moved; None for nothing.
    """

    picture: Picture
    drafted: Drafted
    passing: Passing | None


class Drafting:
    """Drafts the lists of those who are shown variants that rank by the same interests."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        group: list[Shown],
        picture: Picture,
        setting: Setting,
        beside: Beside | None,
    ) -> None:
        """Nothing is drafted yet.

        Args:
            session: Of the night.
            settings: Of the tenant.
            group: The variants.
            picture: The items, as they rank them.
            setting: By which they make lists.
            beside: What is made beside the lists of everybody while users pass; None for nothing.
        """
        self.session, self.settings, self.group = session, settings, group
        self.picture, self.setting, self.beside = picture, setting, beside
        self.n_lists = 0

    def read(self, user_keys: NDArray[np.int32]) -> Block:
        """Read a block: those who are shown the variants, or everybody, who may have moved."""
        session, preset, night = self.session, preset_of(self.settings), self.picture.night
        live, alpha = self.group[0].live, self.group[0].alpha
        variant_keys = read_variants(session, night, user_keys)
        theirs = np.isin(variant_keys, [variant.variant_key for variant in self.group])
        keys = user_keys[theirs]
        if self.beside is None:
            listed, known = np.arange(len(keys)), read_known(session, live, night, keys, alpha)
            user_keys = keys
        else:
            listed, known = (
                np.flatnonzero(theirs),
                self.beside.known(session, live, night, user_keys),
            )
        return Block(
            user_keys,
            known,
            read_used_up(session, preset, user_keys, self.picture.item_keys, night),
            listed,
            variant_keys[theirs],
            read_history(session, preset, self.picture, keys),
            read_words(session, night, keys, self.group),
        )

    def compute(self, block: Block) -> Made:
        """Rank a block, and explain it. Only a second stage reads, of those whom it ranks again."""
        everybody = with_users(self.picture, block.user_keys, block.known, block.used_up)
        passing = None
        if self.beside is not None:
            passing = passing_of(self.settings, everybody, self.beside)
        is_all = len(block.listed) == len(block.user_keys)
        picture = everybody if is_all else everybody.among(block.listed)
        lists, again = lists_of_variants(
            self.session,
            self.settings,
            picture,
            self.group,
            block.variant_keys,
            self.setting,
            block.words,
        )
        columns = with_reasons(picture, lists, block.history, again)
        made = (columns, lengths_of(lists), strategies_of(picture), block.variant_keys)
        return Made(picture, Drafted(*made), passing)

    def write(self, made: Made) -> None:
        """Write a block."""
        if self.beside is not None and made.passing is not None:
            write_passing(self.session, made.picture, self.beside, made.passing)
        write_lists(self.session, made.picture, made.drafted)
        self.n_lists += len(made.drafted.lengths)
