// SPDX-License-Identifier: Apache-2.0
// Compiles a kernel file with the CUDA toolkit's nvcc, where there is one, only to read what it says of the
// kernels.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cuda/lab/profile/ptx.h"
#include "cuda/lab/profile/ptxas.h"

namespace cawe::gpu {

/// Where nvcc may be; the first that can be run is taken.
struct NvccPlaces {
  std::string cudacxx;                          ///< $CUDACXX: a path, or a name to be found in `path`
  std::string path;                             ///< $PATH: folders with ':' between
  std::string toolkit = "/usr/local/cuda/bin";  ///< where NVIDIA's installers put it
};
NvccPlaces nvcc_places();  ///< of this process' environment

/// The path of nvcc. Throws Error(usage) where cudacxx is given and cannot be run: a setting must not be
/// passed over.
std::optional<std::string> find_nvcc(const NvccPlaces& places = nvcc_places());

/// What nvcc shall compile.
struct CudaSource {
  std::string file;                  ///< a .cu file
  std::vector<std::string> include;  ///< folders, at least the root of the sources
  std::vector<std::string> flags;    ///< further ones, e.g. "-DNAME=1"
};

/// A result, or none and why.
template <class T>
struct Answer {
  std::optional<T> value;
  std::string reason;  ///< "no nvcc"
};

/// Registers, spills and so on of every kernel of a file for each of `archs` ("sm_61", ..), in that order. An
/// architecture that the toolkit has dropped is stood in for by the next newer one that it knows: rows are
/// marked approximate(). Leaves no file. Throws Error(internal) with nvcc's first complaint where the file
/// does not compile, Error(usage) for an architecture that is none, or newer than the toolkit, Error(data)
/// where nvcc's text is damaged.
Answer<ResourceReport> resource_usage(const CudaSource& source, const std::vector<std::string>& archs,
                                      const std::optional<std::string>& nvcc = find_nvcc());

/// Counts of PTX instructions of every kernel of a file, compiled for one architecture. Stand-ins and errors
/// as above; PtxCounts::arch is the one compiled for.
Answer<std::vector<PtxCounts>> ptx_counts(const CudaSource& source, const std::string& arch,
                                          const std::optional<std::string>& nvcc = find_nvcc());

}  // namespace cawe::gpu
