"""Dropping pages by URL: block lists, their forms and how they are compiled."""
