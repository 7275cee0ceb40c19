"""How far a project is: figures, trends, quality and agreement, when to stop."""
