#ifndef NETRT_MINIMAL

#include <stddef.h>
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

#define JPEG_DCT jpeg_dct8
#include "image/jpeg_dct_body.h"

#else
typedef int jpeg_dct8_is_empty; /* ISO C wants something here */
#endif
