// SPDX-License-Identifier: Apache-2.0
// What the emulated runtime knows: live handles, memory, errors, complaints; and the frame of every entry
// point. Internal. Everything here is called with the lock held, which Entry takes.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "cuda/emulator/vendor/control.h"
#include "cuda/emulator/vendor/cuda_api.h"
#include "cuda/emulator/vendor/order.h"
#include "tensor/error.h"

namespace cawe::emulated {

/// Something that a handle names.
struct Object {
  virtual ~Object() = default;
  virtual const char* kind() const = 0;
};

struct Block {
  size_t bytes = 0;
  uint64_t number = 0;  ///< which allocation it was
};

struct Injection {
  Fault fault;
  int countdown, times, algorithm;
};

struct Stream;
struct Capture;

struct State {
  std::mutex lock;
  Options options;
  std::map<std::string, uint64_t> calls;
  Traffic traffic;
  std::string call;  ///< the entry point that runs, or the one that queued the work that runs
  std::string complaint;
  uint64_t complaints = 0;
  std::vector<std::string> unordered_uses;
  cudaError_t sticky = cudaSuccess;  ///< an asynchronous error: nothing works from then on
  uint64_t generation = 1;           ///< goes up with reset_for_tests()
  std::map<uintptr_t, std::shared_ptr<Object>> objects;
  uint64_t handles = 0;  ///< given out so far, never again
  std::map<uintptr_t, Block> device_blocks, pinned_blocks;
  uint64_t allocations = 0;
  std::shared_ptr<Stream> legacy;                ///< nullptr's stream
  std::vector<std::shared_ptr<Stream>> streams;  ///< by age, the destroyed ones until their work is done
  std::vector<std::shared_ptr<Capture>> captures;
  uint64_t sequence = 0;  ///< of queued work
  Piece running;
  Clock host;  ///< what host threads have waited for
  std::vector<Injection> injections;
};
State& state();

/// Holds the lock and counts the call.
class Entry {
 public:
  explicit Entry(const char* name);

 private:
  std::lock_guard<std::mutex> hold_;
};

void complain(const std::string& what);

/// `status`, with the reason kept for last_complaint().
template <class Status, class... Parts>
Status refuse(Status status, const Parts&... parts) {
  complain(detail::concat(parts...));
  return status;
}

/// Whether the fault is due here.
bool due(Fault fault, int algorithm = -1);

/// Keeps an error for cudaGetLastError of this host thread.
cudaError_t remember(cudaError_t status);
cudaError_t last_error(bool clear);

// --- handles
void* new_handle(std::shared_ptr<Object> object);
const std::shared_ptr<Object>* find_object(const void* handle);
/// Says why the handle is not of this kind.
void complain_about_handle(const void* handle, const char* wanted);

/// The object, or nullptr and a complaint.
template <class T>
std::shared_ptr<T> find(const void* handle) {
  const std::shared_ptr<Object>* object = find_object(handle);
  std::shared_ptr<T> found = object ? std::dynamic_pointer_cast<T>(*object) : nullptr;
  if (!found) complain_about_handle(handle, T::kKind);
  return found;
}

/// Whether there was such an object.
template <class T>
bool destroy(const void* handle) {
  if (!find<T>(handle)) return false;
  state().objects.erase(reinterpret_cast<uintptr_t>(handle));
  return true;
}

// --- frames of entry points
/// Runs `body` under the lock. After an asynchronous error it does not run and `dead` is returned; where it
/// throws, `broken`. Nothing is thrown across the vendor's interface.
template <class Status, class Body>
Status library_call(const char* name, Status dead, Status broken, Body body) {
  const Entry entry(name);
  if (state().sticky != cudaSuccess) return dead;
  try {
    return body();
  } catch (const std::exception& error) {
    return refuse(broken, error.what());
  }
}

template <class Body>
cudaError_t cuda_call(const char* name, Body body) {
  const Entry entry(name);
  if (state().sticky != cudaSuccess) return state().sticky;
  try {
    return remember(body());
  } catch (const std::exception& error) {
    return remember(refuse(cudaErrorUnknown, error.what()));
  }
}

/// As cuda_call, for what releases: it does so after an asynchronous error, too.
template <class Body>
cudaError_t cuda_release(const char* name, Body body) {
  const Entry entry(name);
  const cudaError_t status = body();
  return state().sticky != cudaSuccess ? state().sticky : remember(status);
}

}  // namespace cawe::emulated
