// SPDX-License-Identifier: Apache-2.0
#include "tensor/io/pickle_globals.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace cawe::pickle {
namespace {

const Global kGlobals[] = {{"collections.OrderedDict", Call::ordered_dict, {}},
                           {"collections.defaultdict", Call::default_dict, {}},
                           {"torch.Size", Call::size, {}},
                           {"torch._utils._rebuild_parameter", Call::parameter, {}},
                           {"torch._utils._rebuild_parameter_with_state", Call::parameter, {}},
                           {"torch._utils._rebuild_tensor_v2", Call::tensor, {}},
                           {"torch._tensor._rebuild_from_type_v2", Call::tensor_of_type, {}},
                           {"torch.FloatStorage", Call::storage, {DType::f32, 4}},
                           {"torch.DoubleStorage", Call::storage, {DType::f64, 8}},
                           {"torch.HalfStorage", Call::storage, {DType::f16, 2}},
                           {"torch.BFloat16Storage", Call::storage, {DType::bf16, 2}},
                           {"torch.LongStorage", Call::storage, {DType::i64, 8}},
                           {"torch.IntStorage", Call::storage, {DType::i32, 4}},
                           {"torch.ShortStorage", Call::storage, {DType::i32, 2}},
                           {"torch.CharStorage", Call::storage, {DType::i32, 1}},
                           {"torch.ByteStorage", Call::storage, {DType::u8, 1}},
                           {"torch.BoolStorage", Call::storage, {DType::boolean, 1}}};

/// Modules whose functions a file of weights names for one purpose only: that whoever unpickles it runs them.
const char* const kDangerousModules[] = {"os",         "posix",
                                         "nt",         "ntpath",
                                         "posixpath",  "subprocess",
                                         "sys",        "shutil",
                                         "socket",     "pty",
                                         "ctypes",     "_ctypes",
                                         "importlib",  "runpy",
                                         "code",       "codeop",
                                         "marshal",    "pickle",
                                         "_pickle",    "cPickle",
                                         "types",      "multiprocessing",
                                         "threading",  "_thread",
                                         "asyncio",    "signal",
                                         "bdb",        "pdb",
                                         "timeit",     "webbrowser",
                                         "urllib",     "http",
                                         "ftplib",     "smtplib",
                                         "platform",   "commands",
                                         "tempfile",   "io",
                                         "_io",        "builtins",
                                         "operator",   "_operator",
                                         "zipimport",  "imp",
                                         "pip",        "pkgutil",
                                         "cProfile",   "profile",
                                         "trace",      "doctest",
                                         "inspect",    "functools",
                                         "__builtin__"};
/// Of these, what only makes a value.
const char* const kPlainBuiltins[] = {"set",   "frozenset", "complex", "bytearray", "bytes", "slice",
                                      "range", "xrange",    "int",     "float",     "bool",  "str",
                                      "list",  "dict",      "tuple",   "object",    "long",  "unicode"};

template <size_t N>
bool among(const char* const (&list)[N], std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

}  // namespace

const Global* find_global(const std::string& name) {
  for (const Global& known : kGlobals)
    if (name == known.name) return &known;
  return nullptr;
}

bool is_dangerous(const std::string& module, const std::string& name) {
  const std::string root = module.substr(0, module.find('.'));
  if (root == "builtins" || root == "__builtin__") return !among(kPlainBuiltins, name);
  // Two names that stand in honest files, beside the weights.
  if (name == "partial" || name == "SimpleNamespace") return root != "functools" && root != "types";
  return among(kDangerousModules, root);
}

}  // namespace cawe::pickle
