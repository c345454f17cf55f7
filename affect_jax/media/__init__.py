"""A user's own pictures and videos: frames of them, and faces in these."""
