// SPDX-License-Identifier: Apache-2.0
// Base64 by OpenSSL.
#include "report/base64.h"

#include "tensor/error.h"

#ifdef CAWE_HAVE_OPENSSL
#include <openssl/evp.h>
#endif

namespace cawe::report {
#ifdef CAWE_HAVE_OPENSSL

std::string base64(std::string_view bytes) {
  constexpr size_t kPiece = size_t(3) << 20;  // OpenSSL counts in int; whole triples need no padding
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // it ends what it writes with a NUL
  auto* to = reinterpret_cast<unsigned char*>(text.data());
  for (size_t at = 0; at < bytes.size(); at += kPiece) {
    const std::string_view piece = bytes.substr(at, kPiece);
    to += EVP_EncodeBlock(to, reinterpret_cast<const unsigned char*>(piece.data()), int(piece.size()));
  }
  text.pop_back();
  return text;
}

#else

std::string base64(std::string_view) {
  fail(Code::unsupported, "base64: this build has no OpenSSL (install libssl-dev and build again)");
}

#endif
}  // namespace cawe::report
