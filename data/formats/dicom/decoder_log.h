// SPDX-License-Identifier: Apache-2.0
// What DCMTK's JPEG decoders say about the pixels that they decode. They fill in what is missing (a hole of
// zeros, a lost restart marker), call that a warning, and return success.
#pragma once

#include <cstddef>
#include <string>

namespace cawe::data {

/// While it lives, collects what the decoders of this thread call corrupt. One at a time in a thread.
class DecoderLog {
 public:
  DecoderLog();
  ~DecoderLog();
  DecoderLog(const DecoderLog&) = delete;
  DecoderLog& operator=(const DecoderLog&) = delete;

  /// "" where nothing was; else the first complaint, and how many there were.
  std::string damage() const;

 private:
  friend class DecoderAppender;
  std::string first_;
  size_t count_ = 0;
};

/// Attaches it to DCMTK's logger, once in a process.
void listen_to_decoders();

}  // namespace cawe::data
