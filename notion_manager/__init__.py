"""A local gateway to a person's own Notion AI workspaces."""

__version__ = "0.1.0"
