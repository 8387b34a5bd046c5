// SPDX-License-Identifier: Apache-2.0
// An earlier name, for kernel files that include it: new ones include cawe/kernel.cuh.
#pragma once

#include "cuda/emulator/simt/simt.cuh"
