// SPDX-License-Identifier: Apache-2.0
// SHA-256 by OpenSSL.
#include "data/hash.h"

#include "tensor/error.h"

#ifdef CAWE_HAVE_OPENSSL
#include <openssl/evp.h>
#endif

namespace cawe::data {
#ifdef CAWE_HAVE_OPENSSL

std::string sha256(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  CAWE_CHECK(EVP_Digest(bytes.data(), bytes.size(), digest, &length, EVP_sha256(), nullptr) == 1,
             Code::internal, "sha256: OpenSSL failed");
  static const char* kDigits = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < length; ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

#else

std::string sha256(std::string_view) {
  fail(Code::unsupported, "sha256: this build has no OpenSSL (install libssl-dev and build again)");
}

#endif
}  // namespace cawe::data
