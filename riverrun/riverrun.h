#pragma once

// All that networks are made of, trained with and saved by, and what makes a cell while the program
// runs. Beside it there are riverrun/fixed/ (sizes known to the compiler), riverrun/data/text/,
// riverrun/insight/ and riverrun/lm/, whose headers are included by name.

#include "riverrun/cell/runtime_cell.h"
#include "riverrun/cell/vocabulary.h"
#include "riverrun/core/error.h"
#include "riverrun/core/random.h"
#include "riverrun/core/tensor.h"
#include "riverrun/core/threads.h"
#include "riverrun/core/weight_type.h"
#include "riverrun/io/parameters.h"
#include "riverrun/io/safetensors.h"
#include "riverrun/kernels/cell_kernels.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/clip.h"
#include "riverrun/nn/crf.h"
#include "riverrun/nn/dropout.h"
#include "riverrun/nn/embedding.h"
#include "riverrun/nn/finite.h"
#include "riverrun/nn/init.h"
#include "riverrun/nn/linear.h"
#include "riverrun/nn/loss.h"
#include "riverrun/nn/ops.h"
#include "riverrun/nn/optimizer.h"
#include "riverrun/nn/parameter.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/recurrent_cell.h"
#include "riverrun/nn/schedule.h"
#include "riverrun/nn/sequence_model.h"
#include "riverrun/nn/tape.h"
#include "riverrun/version.h"
