"""What a project lists: its categories and their hierarchy, hotkeys, people and pictures."""
