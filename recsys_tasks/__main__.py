"""`python -m recsys_tasks`: the commands, without their script."""

from recsys_tasks.cli import main

main()
