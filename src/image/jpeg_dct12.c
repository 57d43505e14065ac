#ifndef NETRT_MINIMAL

#include <stddef.h>
#include <stdio.h>

#include <jpeg12/names.h>

#include <jpeg12/jpeglib.h>

#include <jpeg12/jerror.h>

#define JPEG_DCT jpeg_dct12
#include "image/jpeg_dct_body.h"

#else
typedef int jpeg_dct12_is_empty; /* ISO C wants something here */
#endif
