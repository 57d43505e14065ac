/*
 * What the notes of a plan say.
 */
#include <assert.h>
#include <stddef.h>

#include "rt/plan.h"

static const struct {
	const char *word, *text;
	bool loss;
} notes[RT_NOTE_KINDS] = {
	[RT_NOTE_IGNORED_BY_NAME] = {"ignored-by-name", "left out by its name (ignored names)",
				     true},
	[RT_NOTE_NOT_SELECTED] = {"not-selected",
				  "left out by its name (not among those asked for)", true},
	[RT_NOTE_NO_CONTOURS] = {"no-contours", "without contours", true},
	[RT_NOTE_NO_NAME] = {"no-name", "without a name", false},
	[RT_NOTE_NO_OBSERVATION] = {"no-observation", "without an RT ROI Observation", false},
	[RT_NOTE_DUPLICATE_NAME] = {"duplicate-name", "with the name of another ROI", false},
	[RT_NOTE_DUPLICATE_NUMBER] = {"duplicate-number",
				      "with the number of another ROI: contours were given to them "
				      "in the order of the file",
				      false},
	[RT_NOTE_OTHER_FRAME] = {"other-frame",
				 "contours in another frame of reference than the images", true},
	[RT_NOTE_TYPE_HAS_NO_AREA] = {"no-area-type",
				      "points or open contours, which enclose no area", true},
	[RT_NOTE_TYPE_UNKNOWN] = {"unknown-type", "contours of an unknown geometric type", true},
	[RT_NOTE_BAD_DATA] = {"bad-data", "contours whose data are no list of points", true},
	[RT_NOTE_OFF_PLANES] = {"off-planes", "contours off every image plane", true},
	[RT_NOTE_NOT_PLANAR] = {"not-planar", "contours not parallel to the image planes", true},
	[RT_NOTE_TOO_FEW_POINTS] = {"too-few-points", "contours of fewer than three points", true},
	[RT_NOTE_NOT_NEAREST] = {"not-nearest",
				 "contours between image planes, with another level of the ROI "
				 "nearer to the plane",
				 true},
	[RT_NOTE_UID_DISAGREES] = {"uid-disagrees",
				   "contours that name an image in whose plane they do not lie: "
				   "painted where they lie",
				   false},
	[RT_NOTE_UID_UNKNOWN] = {"uid-unknown",
				 "contours that name an image which is not in the series: painted "
				 "where they lie",
				 false},
	[RT_NOTE_NO_IMAGE_REFERENCE] = {"no-image-reference",
					"contours that name no image: painted where they lie",
					false},
	[RT_NOTE_OFF_PLANE_A_BIT] = {"off-plane-a-bit",
				     "contours some way off the plane they are painted on", false},
	[RT_NOTE_INTERPOLATED] = {"interpolated",
				  "contours of type INTERPOLATED_PLANAR: taken as closed", false},
	[RT_NOTE_POINT_COUNT] = {"point-count",
				 "contours whose Number of Contour Points is not that of their "
				 "data",
				 false},
	[RT_NOTE_OFFSET_VECTOR] = {"offset-vector",
				   "contours with a Contour Offset Vector, which is ignored",
				   false},
	[RT_NOTE_SAME_POSITION] = {"same-position",
				   "contours painted on all of several images at one position",
				   false},
	[RT_NOTE_FRAME_DISAGREES] = {"frame-disagrees",
				     "contours in another frame of reference, which name images of "
				     "the series and lie in their planes",
				     false},
	[RT_NOTE_OVERLAP] = {"overlap", "pairs of contours of one ROI that overlap: united", false},
	[RT_NOTE_DUPLICATE_CONTOUR] = {"duplicate-contour",
				       "contours that repeat another one: taken once", false},
	[RT_NOTE_MIXED_TYPES] = {"mixed-types",
				 "slices with CLOSEDPLANAR_XOR beside other contours: united",
				 false},
	[RT_NOTE_OUTSIDE_IMAGE] = {"outside-image", "contours wholly outside the image", true},
	[RT_NOTE_DEGENERATE] = {"degenerate", "contours without area", true},
	[RT_NOTE_SERIES_BY_UID] = {"series-by-uid",
				   "the structure set refers to no series that is here: it is that "
				   "of the images which contours name",
				   false},
	[RT_NOTE_SERIES_BY_FRAME] = {"series-by-frame",
				     "neither series nor images that the structure set names are "
				     "here: it is a series in the same frame of reference",
				     false},
	[RT_NOTE_OTHER_SERIES] = {"other-series", "images of other series, without overlay", false},
	[RT_NOTE_IMAGE_WITHOUT_GEOMETRY] =
		{"no-geometry", "images without a place in space: their overlay is empty", false},
	[RT_NOTE_SET_APART] = {"set-apart",
			       "images of another orientation or frame of reference than most of "
			       "the series: their overlay is empty",
			       false},
	[RT_NOTE_MULTIFRAME] = {"multi-frame",
				"enhanced or multi-frame images, which take no overlay planes",
				false},
	[RT_NOTE_UNEVEN_SPACING] = {"uneven-spacing", "uneven slice spacings", false},
	[RT_NOTE_GAP] = {"gap", "gaps where slices are missing", false},
	[RT_NOTE_GANTRY_TILT] = {"gantry-tilt",
				 "slices shifted sideways (gantry tilt): each has its own position",
				 false},
	[RT_NOTE_NO_FRAME] = {"no-frame", "images or ROIs without a frame of reference", false},
};

const char *rt_note_text(enum rt_note_kind kind)
{
	assert((unsigned)kind < RT_NOTE_KINDS);
	return notes[kind].text;
}

const char *rt_note_word(enum rt_note_kind kind)
{
	assert((unsigned)kind < RT_NOTE_KINDS);
	return notes[kind].word;
}

bool rt_note_is_loss(enum rt_note_kind kind)
{
	assert((unsigned)kind < RT_NOTE_KINDS);
	return notes[kind].loss;
}
