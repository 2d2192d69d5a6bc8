"""E-mail addresses as they are compared: normalised once, at the moment they arrive (P13)."""

import string

ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def normalised(address: str) -> str:
    """Trimmed, with ASCII letters in lower case; "" for what is no address.

    Letters outside ASCII are left alone: folding them makes different addresses equal (the Kelvin sign is a k).
    """
    address = address.strip()
    local, at, domain = address.rpartition("@")
    if not (local and at and domain) or any(character.isspace() for character in address):
        return ""
    return address.translate(ASCII_LOWER)
