# SPDX-License-Identifier: Apache-2.0
"""Puts a line into a list of a source file at its place, and says where that was."""
import re


class Tree:
    """Source files under `root`: read, edited in memory, written together, so that a refusal leaves no trace."""

    def __init__(self, root):
        self.root, self.texts, self.changed, self.created = root, {}, [], []

    def read(self, name):
        if name not in self.texts:
            self.texts[name] = (self.root / name).read_text()
        return self.texts[name]

    def edit(self, name, text):
        self.texts[name] = text
        if name not in self.changed:
            self.changed.append(name)

    def create(self, name, text):
        self.texts[name] = text
        self.created.append(name)

    def write(self):
        """All files or none."""
        before = {}
        try:
            for name in self.created + self.changed:
                file = self.root / name
                before[name] = file.read_bytes() if file.exists() else None
                file.write_text(self.texts[name])
        except OSError as error:
            for name, old in before.items():
                if old is None:
                    (self.root / name).unlink(missing_ok=True)
                elif (self.root / name).read_bytes() != old:
                    (self.root / name).write_bytes(old)
            raise SystemExit('new-op: %s: cannot be written (%s); nothing was changed' % (error.filename, error.strerror))

    def replace(self, name, old, new):
        """The only occurrence of `old`."""
        text = self.read(name)
        if text.count(old) != 1:
            raise SystemExit('new-op: %s: "%s" occurs %d times (expected once: has the file changed?)'
                             % (name, old.strip().splitlines()[0], text.count(old)))
        self.edit(name, text.replace(old, new))

    def insert_before(self, name, old, line):
        self.replace(name, old, line + old)

    def insert_after(self, name, old, line):
        self.replace(name, old, old + line)

    def insert_sorted(self, name, pattern, line):
        """Among the lines that `pattern` matches, before the first whose group 1 is greater than the new line's."""
        lines = self.read(name).split('\n')
        new = re.match(pattern, line)[1]
        places = [(i, found[1]) for i, found in ((i, re.match(pattern, text)) for i, text in enumerate(lines)) if found]
        if not places:
            raise SystemExit('new-op: %s: no line matches %s (has the file changed?)' % (name, pattern))
        later = [i for i, key in places if key > new]
        if later:
            lines.insert(later[0], line)
        else:
            last = places[-1][0]
            # The last line of a CMake list closes it.
            closing = ')' if lines[last].endswith(')') and not line.endswith((')', ';')) else ''
            if closing:
                lines[last] = lines[last][:-1]
            lines.insert(last + 1, line + closing)
        self.edit(name, '\n'.join(lines))
