// SPDX-License-Identifier: Apache-2.0
#include "tensor/error.h"

namespace cawe {

const char* name(Code code) {
  switch (code) {
    case Code::usage:
      return "usage";
    case Code::data:
      return "data";
    case Code::leak:
      return "leak";
    case Code::io:
      return "io";
    case Code::shape:
      return "shape";
    case Code::dtype:
      return "dtype";
    case Code::unsupported:
      return "unsupported";
    case Code::numeric:
      return "numeric";
    case Code::interrupted:
      return "interrupted";
    case Code::internal:
      return "internal";
  }
  return "unknown";
}

int exit_code(Code code) {
  switch (code) {
    case Code::usage:
      return 2;
    case Code::data:
    case Code::leak:
      return 3;
    case Code::interrupted:
      return 130;
    default:
      return 1;
  }
}

}  // namespace cawe
