#include "CHHKernels.h"
