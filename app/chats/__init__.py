"""Chats of a video project, in which prompts become images."""
