"""How good the answers are on questions whose answers are known, in a process and an installation of its own."""

from gateway.management.commands.evaluate import Command as Evaluate


class Command(Evaluate):
    help = "Tells how good the answers are on questions whose answers are known: supported, cited, right, or refused."
    options = ("--answers",)
