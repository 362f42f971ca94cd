"""What is sent in a transaction, as bytes."""

from dispatcher.notifiers.email.addresses import parse_recipient
from dispatcher.notifiers.email.commands import DATA, GROUP, Command, begin, grouped, stuff
from dispatcher.notifiers.email.replies import Phase

ADA, GREET = parse_recipient("ada@example.org"), parse_recipient("grüße@example.org")


def test_each_recipient_has_a_command_of_its_own():
    commands = begin(ADA, [ADA, GREET], "grüße".encode(), {"size", "8bitmime", "smtputf8"}.__contains__)

    assert [
        Command(Phase.MAIL, b"MAIL FROM:<ada@example.org> SIZE=7 BODY=8BITMIME SMTPUTF8"),
        Command(Phase.RCPT, b"RCPT TO:<ada@example.org>", ADA),
        Command(Phase.RCPT, "RCPT TO:<grüße@example.org>".encode(), GREET),
    ] == commands


def test_a_server_without_extensions_gets_no_parameters():
    assert b"MAIL FROM:<ada@example.org>" == begin(ADA, [ADA], b"hello", set().__contains__)[0].line


def test_no_group_is_larger_than_what_may_be_on_the_way():
    commands = [*begin(ADA, [ADA] * 2000, b"hello", set().__contains__), DATA]

    groups = list(grouped(commands))

    assert commands == [command for group in groups for command in group]
    sizes = [sum(len(command.line) + 2 for command in group) for group in groups]
    assert all(GROUP - 100 < size <= GROUP for size in sizes[:-1])
    assert sizes[-1] <= GROUP
    assert [[command] for command in commands] == list(grouped(commands, 1))


def test_dots_that_begin_a_line_are_doubled():
    assert b"..\r\n...\r\na.\r\n\r\n..b" == stuff(b".\r\n..\r\na.\r\n\r\n.b")
