# SPDX-License-Identifier: Apache-2.0
"""scripts/check-writers sees what it is there to see: each kind of source it refuses, in a small tree of its own.

usage: python3 tests/check_writers.py
"""
import pathlib
import subprocess
import tempfile

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / 'scripts/check-writers'
REFUSED = {
    'writes a file': ['std::ofstream out(path);', 'FILE* f = std::fopen(p, "ab");', 'std::fopen(path("a").c_str(), "w");',
                      'fs::rename(a, b);', '::rename(a, b);', 'std::filesystem::rename(a, b, e);', '::open(p, O_WRONLY | O_CREAT, 0666);'],
    'pastes JSON': [r'std::string s = "{\"out\":" + out;', r'text += ",\"steps\":" + n;', r'printf("\"a\":%d", n);'],
    'prints JSON by itself': ["json.dump(-1, ' ', false, Json::error_handler_t::replace);"],
    'escapes markup': ['out += "&quot;";'],
    'decodes a film in this process': ['const data::Film film = data::parse_film(bytes, path);', 'parse_picture(bytes, "x");',
                                       'const DicomFile file(bytes, name);'],
}
ALLOWED = ['std::fopen(path, "rb");', 'film_of(bytes, path);', 'std::ifstream in(path);', r'fail("norm is \"frozen\", but init is \"random\": no");',
           '// an ofstream would do', 'file.rename_to_target();']

with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder)
    (root / 'apps').mkdir()
    source = root / 'apps/a.cpp'

    def run(line):
        source.write_text(line + '\n')
        return subprocess.run([SCRIPT, root], capture_output=True, text=True)

    for what, lines in REFUSED.items():
        for line in lines:
            done = run(line)
            assert done.returncode == 1 and done.stdout.startswith('apps/a.cpp:1: ' + what), (line, done)
    for line in ALLOWED:
        done = run(line)
        assert done.returncode == 0 and not done.stdout, (line, done)
print('check_writers: all ok')
