"""Topics: tracked, named, and every user's share in them; nothing that fails holds the night up."""
