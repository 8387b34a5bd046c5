// SPDX-License-Identifier: Apache-2.0
// SHA-256 by OpenSSL.
#include "data/hash.h"

#include <fstream>
#include <memory>
#include <vector>

#include "tensor/error.h"

#ifdef CAWE_HAVE_OPENSSL
#include <openssl/evp.h>
#endif

namespace cawe::data {
#ifdef CAWE_HAVE_OPENSSL
namespace {

class Hasher {
 public:
  Hasher() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    CAWE_CHECK(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1, Code::internal,
               "sha256: OpenSSL could not start a digest");
  }
  void add(const char* bytes, size_t count) {
    CAWE_CHECK(EVP_DigestUpdate(context_.get(), bytes, count) == 1, Code::internal, "sha256: update failed");
  }
  std::string hex() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    CAWE_CHECK(EVP_DigestFinal_ex(context_.get(), digest, &length) == 1, Code::internal, "sha256: failed");
    static const char* kDigits = "0123456789abcdef";
    std::string text;
    for (unsigned int i = 0; i < length; ++i) {
      text += kDigits[digest[i] >> 4];
      text += kDigits[digest[i] & 15];
    }
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::string sha256(std::string_view bytes) {
  Hasher hasher;
  hasher.add(bytes.data(), bytes.size());
  return hasher.hex();
}

std::string sha256_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  CAWE_CHECK(in, Code::io, path, ": cannot be opened for reading");
  Hasher hasher;
  std::vector<char> block(1 << 18);
  while (in) {
    in.read(block.data(), std::streamsize(block.size()));
    hasher.add(block.data(), size_t(in.gcount()));
  }
  CAWE_CHECK(in.eof(), Code::io, path, ": reading failed");
  return hasher.hex();
}

#else

std::string sha256(std::string_view) {
  fail(Code::unsupported, "sha256: this build has no OpenSSL (install libssl-dev and build again)");
}
std::string sha256_file(const std::string&) { return sha256(""); }

#endif
}  // namespace cawe::data
