// SPDX-License-Identifier: Apache-2.0
// How ranks (copies of a training program, each with its share of the lanes) add and share numbers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace cawe {

/// Ranks are a power of two. Sums follow the lanes' binary tree: at step s a rank exchanges with rank ^ 2^s
/// and adds lower + higher, so that every rank ends with the bits that one rank with all lanes would have.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Sends `bytes` to `partner` and receives as many from it.
  virtual void exchange(int partner, const void* send, void* receive, size_t bytes) = 0;
  virtual void barrier() = 0;

  /// values[0..n) = sum over ranks, along the tree.
  void all_reduce_sum(float* values, int64_t n);
  void all_reduce_sum(double* values, int64_t n);
  /// Rank 0's bytes for all.
  void broadcast(void* data, size_t bytes);
  /// True on every rank where it was true on any (a signal came, a loss was not finite).
  bool any(bool flag);
};

/// The calling thread's communicator: a single rank unless a CommunicatorScope says otherwise.
Communicator& current_communicator();

class CommunicatorScope {
 public:
  explicit CommunicatorScope(Communicator& communicator);
  ~CommunicatorScope();
  CommunicatorScope(const CommunicatorScope&) = delete;
  CommunicatorScope& operator=(const CommunicatorScope&) = delete;

 private:
  Communicator* previous_;
};

/// Runs body(rank) on `ranks` threads, each with its communicator set and `threads` threads of its own for
/// its lanes. For tests and for trying out distributed training in one process. If a rank throws, the others
/// are woken, and the first exception (by rank) is thrown again here.
void run_in_process_ranks(int ranks, int threads, const std::function<void(int rank)>& body);

}  // namespace cawe
