/*
 * Every maximum in the program, each with its reason.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define LIMIT_UID 64                /* PS3.5 9.1 */
#define LIMIT_PDU (1u << 20)        /* bytes of a PDU's body: what is taken at most */
#define LIMIT_NESTING 64            /* sequences inside sequences; real objects stay under 8 */
#define LIMIT_ELEMENTS (4u << 20)   /* per indexed data set: 24 bytes each, 96 MiB at most */
#define LIMIT_OBJECT (16ull << 30)  /* bytes of one file */
#define LIMIT_INFLATED (2ull << 30) /* bytes a deflated data set may become */
#define LIMIT_INFLATED_FREE (256ull << 20) /* bytes it may become whatever its ratio */
#define LIMIT_INFLATED_RATIO 100u          /* beyond that: times its deflated size */
#define LIMIT_ARENA_STUDY (1ull << 30)     /* working memory of one study */
#define LIMIT_FILES 1000000u               /* files considered in one run */
#define LIMIT_PATH_DEPTH 64                /* folders inside folders of an input */
#define LIMIT_ROIS 10000u                  /* per structure set */
#define LIMIT_CONTOURS 2000000u            /* per structure set */
#define LIMIT_CONTOUR_POINTS 4000000u      /* per contour */
#define LIMIT_PLACEMENTS 16000000u         /* contours on planes, repeats counted */
#define LIMIT_IMAGES 100000u               /* per series */
#define LIMIT_PIXELS_SIDE 65535u           /* Rows and Columns are US */
#define LIMIT_IMAGE_PIXELS (1u << 28)      /* Rows times Columns: a mask of 32 MiB */
#define LIMIT_NATIVE_BYTES (1ull << 30)    /* of pixels that had to be decoded, all frames */
#define LIMIT_CANVAS_PIXELS (1u << 26)     /* of a debug picture: 256 MiB a worker */
#define LIMIT_JPEG_SIDE 65500u             /* of a JPEG that libjpeg writes */
#define LIMIT_FRAGMENTS (1u << 20)         /* of compressed pixels: 16 bytes each */
#define LIMIT_JPEG_SCANS 100u              /* of a progressive stream; real ones have 10 */
#define LIMIT_J2K_TILES 65535u             /* T.800 A.4.2 */
#define LIMIT_J2K_FREE (64u << 20)         /* memory of OpenJPEG besides samples and stream */
#define LIMIT_J2K_BYTES (4ull << 30)       /* memory of OpenJPEG at all */
#define LIMIT_OVERLAY_PLANES 16u           /* groups 6000..601E, PS3.3 C.9.2 */
#define LIMIT_CONFIG (1u << 20)            /* bytes of a configuration file */
#define LIMIT_CONFIG_ARENA (24u << 20)     /* holds the file, its values and all its problems */
#define LIMIT_CONFIG_DEPTH 16              /* YAML nesting; every known key lies within 4 */
#define LIMIT_CONFIG_KEYS 192              /* rows of the configuration table */
#define LIMIT_CONFIG_DIAGS 100             /* problems of one file that are listed */
#define LIMIT_CONFIG_ITEMS 4096u           /* entries of one list in a configuration file */
#define LIMIT_CONFIG_DESTINATIONS 64u      /* each has a sender process */
#define LIMIT_PIDMAP (512u << 20)          /* bytes of NETRT's map of patients: two million */
#define LIMIT_ANON_FILE (4u << 20)         /* vocabulary, safe list, pixel regions */
#define LIMIT_WORKERS 256u
#define LIMIT_COMMAND (64u << 10)  /* bytes of a command set; real ones stay under 1 KiB */
#define LIMIT_COMMAND_ELEMENTS 64u /* elements of one; PS3.7 annex E has 35 */

#define LIMIT_STREAM_BYTES (2ull << 30) /* of one object received, unless configured */
#define LIMIT_STREAM_ELEMENTS 2000000u  /* of one object received, unless configured */
#define LIMIT_SPOOL_STUDIES 64u         /* studies that one association holds locks on */

/* A study's journal, in bytes: 100,000 images, their outputs at several destinations, and what went
 * wrong there. */
#define LIMIT_JOURNAL (256u << 20)
#define LIMIT_DESTINATIONS 64u /* that one journal tells of */

#endif
