// SPDX-License-Identifier: Apache-2.0
// How a program gets the CUDA backend, for a GPU or for the emulated device; one program may have both. Plain
// C++, without CUDA headers.
#pragma once

#include <string>

namespace cawe::on_cuda {
/// Before init(): takes the GPU with this index among those that CUDA_VISIBLE_DEVICES names or, where it is not set, as
/// nvidia-smi counts them. Throws Code::usage where it names fewer, or is empty. Changes this process' environment.
void choose(int index);
/// Makes the backend of Device::cuda and registers it. False where this machine has no usable GPU; `why` then
/// says so in a sentence. Calls after the first success change nothing. Not thread-safe.
bool init(std::string* why);
/// Waits for the device and releases everything. No tensor and no captured step of the device may be left.
void close();
}  // namespace cawe::on_cuda

namespace cawe::on_emulator {
/// The same for Device::emulated.
bool init(std::string* why);
void close();
}  // namespace cawe::on_emulator
