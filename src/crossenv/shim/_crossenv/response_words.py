"""Starts a compiler's launcher with the words of its response files in place of them; see crossenv.compilers.launchers.

The launcher is a shell script, which cannot take them apart itself. Run by the build side's Python, without the shim.
"""

import errno
import os
import sys

# As deep as gcc goes: files that name each other must end somewhere.
_DEEPEST = 16


def words_of(text: str) -> "list[str]":
    """Split a response file's text as GNU's `buildargv` does: blanks, both quotation marks, backslashes."""
    words: list[str] = []
    word, quote, inside = "", "", False
    characters = iter(text)
    for character in characters:
        if character == "\\":
            word += next(characters, "")
            inside = True
        elif quote:
            if character == quote:
                quote = ""
            else:
                word += character
        elif character in "'\"":
            quote, inside = character, True
        elif character.isspace():
            if inside:
                words.append(word)
            word, inside = "", False
        else:
            word += character
            inside = True
    if inside:
        words.append(word)
    return words


def expanded(words: "list[str]", depth: int = 0) -> "list[str]":
    """Put the words of response files in their place; a file that is not there is a plain word."""
    result: list[str] = []
    for word in words:
        text = None
        if word.startswith("@") and depth < _DEEPEST:
            try:
                with open(word[1:], encoding="utf-8", errors="surrogateescape") as file:
                    text = file.read()
            except OSError:
                pass
        if text is None:
            result.append(word)
        else:
            result += expanded(words_of(text), depth + 1)
    return result


def response_text(words: "list[str]") -> str:
    """Write words as a response file has them."""
    return "".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"\n' for word in words)


def main(program: str, words: "list[str]") -> None:
    """Become `program`."""
    words = expanded(words)
    # What is left of them could not be read, and the program would ask again.
    left = [word for word in words if not (word.startswith("@") and os.path.isfile(word[1:]))]
    try:
        os.execv(program, [program, *left])
    except OSError as error:
        if error.errno != errno.E2BIG:
            raise
    # More than the system takes at once: the compiler reads them from a file without a name.
    descriptor = os.memfd_create("words", 0)
    with open(descriptor, "w", encoding="utf-8", errors="surrogateescape", closefd=False) as file:
        file.write(response_text(left))
    os.execv(program, [program, f"@/proc/self/fd/{descriptor}"])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
