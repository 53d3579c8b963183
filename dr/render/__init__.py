"""Plans, outcomes and answers as text and JSON. Readers only: nothing here decides or changes anything."""
