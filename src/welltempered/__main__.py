"""`python -m welltempered` is the command line, too."""

from welltempered.cli import main

main()
