# SPDX-License-Identifier: Apache-2.0
"""Where a name is in use already: as a primitive, function, functor, kernel, row, case, mutant or file of any layer."""
import re

KEYWORDS = set('''alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t class compl
concept const const_cast consteval constexpr constinit continue co_await co_return co_yield decltype default delete do
double dynamic_cast else enum explicit export extern false final float for friend goto if import inline int long module
mutable namespace new noexcept not not_eq nullptr operator or or_eq override private protected public register
reinterpret_cast requires return short signed sizeof static static_assert static_cast struct switch template this
thread_local throw true try typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
assert errno linux unix main std half bf16'''.split())

LIBRARY = set('cuda environ fprintf free malloc memcpy null printf stderr stdin stdout string vector'.split())

# Folders in which a family has files of its name.
LAYERS = ('tensor/primitives', 'tensor/cpu/reference', 'tensor/cpu/fast', 'autograd/ops', 'autograd/rows', 'cuda/backend',
          'cuda/kernels', 'cuda/lab/cases', 'cuda/lab/mutants', 'cuda/lab/ladders')


def camel(name):
    return ''.join(part.capitalize() for part in name.split('_'))


def _files(root):
    for folder in LAYERS:
        if (root / folder).is_dir():
            for file in sorted((root / folder).iterdir()):
                yield file


def _sources(root):
    for folder in ('tensor', 'autograd', 'cuda'):
        for file in sorted((root / folder).rglob('*')):
            if file.suffix in ('.h', '.cuh', '.inc', '.cu', '.cpp', '.cmake', '.txt'):
                yield file


def _patterns(name):
    """(what it is, files it is looked for in, a pattern)."""
    return (
        ('a primitive', r'\.inc$', r'^CAWE_OP\(%s,' % name),
        ('a function', r'\.(h|cuh|cu)$', r'^ *(?:[\w:<>,*&]+ +)*[\w:<>]+[ *&]+%s\(' % name),
        ('a kernel', r'\.(cu|cuh)$', r'\b%s(?:_kernel)?\(' % name),
        ('an element-wise function', r'tensor/elementwise\.h$', r'\b(?:UnaryOp|BinaryOp)::%s\b' % name),
        ('a functor', r'tensor/elementwise\.h$', r'^struct %s\b' % camel(name)),
        ('a type or namespace', r'\.(h|cuh)$', r'^(?:struct|class|enum class|namespace|using) (?:\w+::)*(?:%s|%s)\b' % (name, camel(name))),
        ('a row', r'autograd/rows/\w+\.cpp$', r'"%s"' % name),
        ('a kernel case', r'cuda/lab/(?:cases|ladders)/\w+\.(?:cpp|cu)$', r'"%s"' % name),
        ('a mutant', r'\.(cmake|txt)$', r'cawe_mutant\(%s(?:_bound|_grad_factor)? ' % name),
    )


def taken(root, name):
    """["tensor/primitives/softmax.inc:2: softmax is a primitive"]."""
    found = []
    for one in (name, name + '_grad'):
        for file in _files(root):
            stem = file.stem
            if stem == one or (one == name and stem.startswith(name + '_') and file.parent.name in ('kernels', 'cases', 'mutants')):
                found.append('%s: the file carries the name' % file.relative_to(root).as_posix())
        patterns = [(what, re.compile(where), re.compile(pattern, re.M)) for what, where, pattern in _patterns(one)]
        for file in _sources(root):
            place = file.relative_to(root).as_posix()
            wanted = [(what, pattern) for what, where, pattern in patterns if where.search(place)]
            if not wanted:
                continue
            text = file.read_text()
            if one not in text and camel(one) not in text:
                continue
            for what, pattern in wanted:
                match = pattern.search(text)
                if match:
                    line = text.count('\n', 0, match.start()) + 1
                    found.append('%s:%d: %s is %s' % (place, line, one, what))
    return found


def refusal(root, name):
    """Why `name` can be no operator's, or "". """
    if not re.fullmatch(r'[a-z][a-z0-9]*(_[a-z0-9]+)*', name):
        return "'%s' is no operator name (expected lower_case)" % name
    if len(name) < 2:
        return "'%s' is no operator name (expected two letters or more: one is a type or a variable in what is written)" % name
    if name.endswith('_t') or name in LIBRARY:
        return "'%s' is a word of C++ or of its libraries" % name
    if len(name) > 40:
        return "'%s' has %d letters (expected at most 40)" % (name, len(name))
    if name in KEYWORDS:
        return "'%s' is a word of C++ or of its libraries" % name
    if name.endswith('_grad'):
        return "'%s': the gradient is made with the operator; name that (%s)" % (name, name[:-len('_grad')])
    places = taken(root, name)
    if places:
        more = '' if len(places) <= 4 else '\n  and %d more' % (len(places) - 4)
        return "'%s' is in use:\n  %s%s" % (name, '\n  '.join(places[:4]), more)
    return ''
