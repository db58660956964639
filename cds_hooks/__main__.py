"""`python -m cds_hooks` is the command `crd`."""

from cds_hooks.commands.main import main

main(prog_name="crd")
