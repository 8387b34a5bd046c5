// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648, with padding): bytes inside a page.
#pragma once

#include <string>
#include <string_view>

namespace cawe::report {

/// (size + 2) / 3 * 4 letters on one line. By OpenSSL: throws Error(unsupported) in a build without it.
std::string base64(std::string_view bytes);

}  // namespace cawe::report
