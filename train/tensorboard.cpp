// SPDX-License-Identifier: Apache-2.0
#include "train/tensorboard.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <utility>

#include "tensor/error.h"
#include "tensor/io/files.h"
#if CAWE_HAVE_PROTOBUF
#include "events.pb.h"
#endif

namespace cawe::train {
namespace {

/// CRC-32C (Castagnoli), bit-reversed polynomial 0x82F63B78; zlib only has CRC-32.
uint32_t crc32c(std::string_view data) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> t{};
    for (uint32_t n = 0; n < 256; ++n) {
      uint32_t value = n;
      for (int k = 0; k < 8; ++k) value = value >> 1 ^ (value & 1 ? 0x82F63B78u : 0u);
      t[n] = value;
    }
    return t;
  }();
  uint32_t value = ~0u;
  for (const char c : data) value = value >> 8 ^ table[(value ^ static_cast<unsigned char>(c)) & 255];
  return ~value;
}

/// TFRecord's masked checksum, rotated and shifted: a CRC of data that contain CRCs would be weak.
uint32_t masked(uint32_t crc) { return (crc >> 15 | crc << 17) + 0xA282EAD8u; }

std::string little(uint64_t value, int bytes) {
  std::string out;
  for (int k = 0; k < bytes; ++k) out += char(value >> (8 * k));
  return out;
}

#if CAWE_HAVE_PROTOBUF
double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string record(events::Event* event, double time, int64_t step) {
  event->set_wall_time(time);
  event->set_step(step);
  return tfrecord(event->SerializeAsString());
}

std::string opening(double time, int64_t first_step) {
  events::Event version, session;
  version.set_file_version("brain.Event:2");
  session.mutable_session_log()->set_status(events::SessionLog::START);
  return record(&version, time, 0) + (first_step > 0 ? record(&session, time, first_step) : "");
}
#endif

}  // namespace

std::string tfrecord(std::string_view data) {
  const std::string length = little(data.size(), 8);
  return length + little(masked(crc32c(length)), 4) + std::string(data) + little(masked(crc32c(data)), 4);
}

TensorBoard::TensorBoard(std::string dir, int64_t first_step)
    : dir_(std::move(dir)), first_step_(first_step) {}

#if CAWE_HAVE_PROTOBUF
void TensorBoard::add(int64_t step, const std::map<std::string, double>& numbers) {
  const double time = seconds_since_1970();
  std::string bytes;
  if (path_.empty()) {
    path_ = detail::concat(dir_, "/events.out.tfevents.", int64_t(time), ".cawe.", getpid());
    bytes = opening(time, first_step_);
  }
  events::Event event;
  for (const auto& [name, value] : numbers) {
    events::Summary::Value* scalar = event.mutable_summary()->add_value();
    scalar->set_tag(name);
    scalar->set_simple_value(float(value));
  }
  bytes += record(&event, time, step);
  append_file(path_, bytes);
}
#else
void TensorBoard::add(int64_t, const std::map<std::string, double>&) {}
#endif

}  // namespace cawe::train
