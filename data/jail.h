// SPDX-License-Identifier: Apache-2.0
// Decoding strangers' films in child processes that can do nothing but compute: no files, no network, no new programs,
// bounded memory and time. A decoder that is broken by a film takes down its child, and the film is rejected.
#pragma once

#include <string>
#include <string_view>

#include "data/formats/dicom/film.h"
#include "data/formats/picture/picture.h"

namespace cawe::data {

/// From now on film_of() and picture_of() decode in children of `program` (this program, which calls
/// serve_decoder() when it is started with kDecoderArgument). "": in this process again.
void decode_in_jail(const std::string& program);
bool decoding_is_jailed();
constexpr const char* kDecoderArgument = "--decode-films";
/// A film may take so many seconds, and one more for each MiB of its file.
constexpr double kDecodeSeconds = 10;
/// Most memory of a child: twice what the largest accepted picture needs.
constexpr size_t kDecodeBytes = size_t(4) << 30;

/// parse_film() and parse_picture(), here or in a child. Beside what these throw: PictureError
/// "decoder_failed" where the child crashed, was stopped by its limits, or answered nonsense. A child that was
/// gone before it read the film says nothing about the film: another one decodes it.
Film film_of(std::string_view bytes, const std::string& name, const ReadOptions& options = {});
Picture picture_of(std::string_view bytes, const std::string& name, const ReadOptions& options = {});

/// The child's main(): closes itself in, then answers requests on kJailChannel until it is closed. Returns the
/// exit status.
int serve_decoder();
/// The child's one descriptor that leads anywhere.
constexpr int kJailChannel = 3;
/// A sanitizer's shadow is larger than any limit of memory, and at each exception it asks for the stack of signals.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
/// Closes this process in for the rest of its life: standard descriptors lead nowhere, all others but kJailChannel
/// are closed, memory is limited, nothing can be opened or started. Where it returns true, calls of the system other
/// than those that computing needs fail with EPERM; false: this build or system has no such filters.
bool close_in();

}  // namespace cawe::data
