internal import CHHKernels
