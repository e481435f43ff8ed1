"""First act: two users come in, make a room and find it."""

from bench.screens.steps import Steps, foo, test

COMING: Steps = (
    foo(sees="is there.", told="foo_user opens the client: the server answers."),
    foo("BTab", "C-a", "C-k", " {server}", "Tab", " foo_user", "Tab", " 123", "Enter", sees="F1 Help",
        told="Name and password, and foo_user is in the lobby."),
    foo(" garden", sees="Rooms  1 room", gone="hall  ", told="A room is made: its name is typed, and there is none."),
    foo("Enter", sees="A new room"),
    foo("Tab", " Seeds and slugs", sees="Seeds and slugs", told="It gets a topic."),
    foo("Enter", sees="1 person"),
    foo("F2", sees="2 rooms"),
    foo("C-o", sees="A new room"),
    foo("BTab", "Enter", gone="A new room"),  # Cancel
    foo("M-1", sees="garden  1 person"),
    test("C-a", "C-k", " test_user", "Tab", " 123", "Tab", "Enter", sees="2 rooms"),
    test(" gard", gone="hall  ", told="test_user comes, finds the room as it is typed, and goes in."),
    test("Enter", sees="2 people"),
)  # fmt: skip
