"""Notion AI, through the API of its own web application."""
