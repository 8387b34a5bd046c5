// SPDX-License-Identifier: Apache-2.0
// Handles, complaints, errors and injected faults; and control.h's questions about them.
#include "cuda/emulator/vendor/state.h"

#include <algorithm>

#include "cuda/emulator/simt/emulator.h"
#include "cuda/emulator/vendor/streams.h"

namespace cawe::emulated {
namespace {

/// Handles lie where no address can: whoever takes one for a pointer crashes.
constexpr uintptr_t kFirstHandle = uintptr_t{0xE0} << 56;
constexpr uintptr_t kHandleStep = 64;

struct LastError {
  uint64_t generation = 0;
  cudaError_t error = cudaSuccess;
};
thread_local LastError thread_error;

}  // namespace

State& state() {
  static State& s = []() -> State& {
    auto* fresh = new State;  // never destroyed: other statics may still release memory
    fresh->legacy = std::make_shared<Stream>();
    simt::set_submitter(queue_launch);
    simt::set_refuser(refuse_launch);
    return *fresh;
  }();
  return s;
}

Entry::Entry(const char* name) : hold_(state().lock) {
  state().call = name;
  ++state().calls[name];
}

void complain(const std::string& what) {
  state().complaint = state().call + ": " + what;
  ++state().complaints;
}

bool due(Fault fault, int algorithm) {
  for (Injection& i : state().injections) {
    if (i.fault != fault || i.times == 0 || (i.algorithm >= 0 && i.algorithm != algorithm)) continue;
    if (--i.countdown > 0) continue;
    i.countdown = 1;
    --i.times;
    return true;
  }
  return false;
}

cudaError_t remember(cudaError_t status) {
  if (status != cudaSuccess) thread_error = {state().generation, status};
  return status;
}

cudaError_t last_error(bool clear) {
  if (state().sticky != cudaSuccess) return state().sticky;
  const cudaError_t error = thread_error.generation == state().generation ? thread_error.error : cudaSuccess;
  if (clear) thread_error = {};
  return error;
}

void* new_handle(std::shared_ptr<Object> object) {
  const uintptr_t handle = kFirstHandle + ++state().handles * kHandleStep;
  state().objects.emplace(handle, std::move(object));
  return reinterpret_cast<void*>(handle);
}

const std::shared_ptr<Object>* find_object(const void* handle) {
  const auto found = state().objects.find(reinterpret_cast<uintptr_t>(handle));
  return found == state().objects.end() ? nullptr : &found->second;
}

void complain_about_handle(const void* handle, const char* wanted) {
  const uintptr_t value = reinterpret_cast<uintptr_t>(handle);
  const std::shared_ptr<Object>* other = find_object(handle);
  const bool once_alive = value > kFirstHandle && value <= kFirstHandle + state().handles * kHandleStep &&
                          value % kHandleStep == 0;
  std::string what = "a handle that was never given out";
  if (handle == nullptr) what = "nullptr";
  if (once_alive) what = "a handle that was destroyed";
  if (other) what = std::string("the handle of a ") + (*other)->kind();
  complain("the handle of a live " + std::string(wanted) + " is expected, this is " + what);
}

// --- control.h

Options& options() { return state().options; }

void inject(Fault fault, int nth, int times, int algorithm) {
  CAWE_CHECK(nth >= 1 && times >= 1, Code::usage, "inject: the ", nth, "th chance, ", times,
             " times (expected 1 or more of both)");
  const std::lock_guard<std::mutex> hold(state().lock);
  state().injections.push_back({fault, nth, times, algorithm});
}

std::string last_complaint() {
  const std::lock_guard<std::mutex> hold(state().lock);
  return state().complaint;
}

uint64_t complaints() {
  const std::lock_guard<std::mutex> hold(state().lock);
  return state().complaints;
}

std::vector<std::string> unordered_uses() {
  const std::lock_guard<std::mutex> hold(state().lock);
  return state().unordered_uses;
}

uint64_t calls(const std::string& name) {
  const std::lock_guard<std::mutex> hold(state().lock);
  const auto found = state().calls.find(name);
  return found == state().calls.end() ? 0 : found->second;
}

Traffic take_traffic() {
  const std::lock_guard<std::mutex> hold(state().lock);
  return std::exchange(state().traffic, {});
}

std::vector<std::string> leaks() {
  const std::lock_guard<std::mutex> hold(state().lock);
  std::vector<std::string> found;
  const auto list = [&](const char* what, const std::map<uintptr_t, Block>& blocks) {
    for (const auto& [address, block] : blocks)
      found.push_back(detail::concat(what, ": ", block.bytes, " bytes, allocation ", block.number));
  };
  list("device memory", state().device_blocks);
  list("pinned memory", state().pinned_blocks);
  for (const auto& [handle, object] : state().objects)
    found.push_back(detail::concat(object->kind(), ": handle ", (handle - kFirstHandle) / kHandleStep));
  return found;
}

size_t pending() {
  const std::lock_guard<std::mutex> hold(state().lock);
  size_t works = state().legacy->queue.size();
  for (const auto& stream : state().streams) works += stream->queue.size();
  return works;
}

void reset_for_tests() {
  State& s = state();
  const std::lock_guard<std::mutex> hold(s.lock);
  drop_all_work();
  for (const auto& [address, block] : s.device_blocks) simt::release(reinterpret_cast<void*>(address));
  for (const auto& [address, block] : s.pinned_blocks) std::free(reinterpret_cast<void*>(address));
  s.device_blocks.clear();
  s.pinned_blocks.clear();
  s.objects.clear();
  s.calls.clear();
  s.traffic = {};
  s.injections.clear();
  s.complaint.clear();
  s.unordered_uses.clear();
  s.complaints = s.allocations = 0;
  s.sticky = cudaSuccess;
  s.options = Options{};
  ++s.generation;
}

}  // namespace cawe::emulated
