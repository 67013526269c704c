"""`python -m notion_manager`."""

from .cli import main

main()
