#include "rt/plan.h"

#include <assert.h>

static const struct {
	const char *word, *text;
	bool loss;
} kinds[RT_NOTE_KINDS] = {
	[RT_NOTE_IGNORED_BY_NAME] = {"ignored-by-name", "ROI ignored by its name", true},
	[RT_NOTE_NOT_SELECTED] = {"not-selected", "ROI not among those selected by name", true},
	[RT_NOTE_NO_CONTOURS] = {"no-contours", "ROI without contours", true},
	[RT_NOTE_NO_NAME] = {"no-name", "ROI without a name", false},
	[RT_NOTE_NO_OBSERVATION] = {"no-observation", "ROI without an observation", false},
	[RT_NOTE_DUPLICATE_NAME] = {"duplicate-name", "another ROI has the same name", false},
	[RT_NOTE_DUPLICATE_NUMBER] = {"duplicate-number", "another ROI has the same number", false},
	[RT_NOTE_OTHER_FRAME] = {"other-frame",
				 "contours in another frame of reference than the images", true},
	[RT_NOTE_TYPE_HAS_NO_AREA] = {"no-area-type", "POINT or OPEN contours, which have no area",
				      true},
	[RT_NOTE_TYPE_UNKNOWN] = {"unknown-type", "contours of an unknown geometric type", true},
	[RT_NOTE_BAD_DATA] = {"bad-data", "contours whose data is no list of points", true},
	[RT_NOTE_OFF_PLANES] = {"off-planes", "contours off every image plane", true},
	[RT_NOTE_NOT_PLANAR] = {"not-planar", "contours not parallel to the image planes", true},
	[RT_NOTE_TOO_FEW_POINTS] = {"too-few-points", "contours of fewer than three points", true},
	[RT_NOTE_NOT_NEAREST] = {"not-nearest",
				 "contours between images, where another of the ROI is nearer",
				 true},
	[RT_NOTE_UID_DISAGREES] = {"uid-disagrees",
				   "contours that name an image in whose plane they do not lie",
				   false},
	[RT_NOTE_UID_UNKNOWN] = {"uid-unknown", "contours that name an image outside the series",
				 false},
	[RT_NOTE_NO_IMAGE_REFERENCE] = {"no-image-reference", "contours that name no image", false},
	[RT_NOTE_OFF_PLANE_A_BIT] = {"off-plane-a-bit", "contours some way off their image plane",
				     false},
	[RT_NOTE_INTERPOLATED] = {"interpolated", "INTERPOLATED_PLANAR contours taken as closed",
				  false},
	[RT_NOTE_POINT_COUNT] = {"point-count", "contours with another number of points than said",
				 false},
	[RT_NOTE_OFFSET_VECTOR] = {"offset-vector", "Contour Offset Vector not applied", false},
	[RT_NOTE_SAME_POSITION] = {"same-position",
				   "contours painted on several images at one position", false},
	[RT_NOTE_FRAME_DISAGREES] =
		{"frame-disagrees",
		 "contours in another frame of reference that name these images "
		 "and lie in them",
		 false},
	[RT_NOTE_OVERLAP] = {"overlap", "contours of one ROI that overlap partly: united", false},
	[RT_NOTE_DUPLICATE_CONTOUR] = {"duplicate-contour", "duplicate contours: counted once",
				       false},
	[RT_NOTE_MIXED_TYPES] = {"mixed-types", "CLOSEDPLANAR_XOR beside other types", false},
	[RT_NOTE_OUTSIDE_IMAGE] = {"outside-image", "contours outside the image", true},
	[RT_NOTE_DEGENERATE] = {"degenerate", "contours that enclose no area", true},
	[RT_NOTE_SERIES_BY_UID] = {"series-by-uid", "series found by the images its contours name",
				   false},
	[RT_NOTE_SERIES_BY_FRAME] = {"series-by-frame",
				     "series found by frame of reference and position", false},
	[RT_NOTE_OTHER_SERIES] = {"other-series", "images of other series, which get no overlay",
				  false},
	[RT_NOTE_IMAGE_WITHOUT_GEOMETRY] = {"no-geometry",
					    "images without a place in space: empty overlay",
					    false},
	[RT_NOTE_SET_APART] = {"set-apart", "images of another orientation or frame: empty overlay",
			       false},
	[RT_NOTE_MULTIFRAME] = {"multi-frame", "multi-frame images: empty overlay", false},
	[RT_NOTE_UNEVEN_SPACING] = {"uneven-spacing", "uneven slice spacing", false},
	[RT_NOTE_GAP] = {"gap", "gaps in the series: slices are missing", false},
	[RT_NOTE_GANTRY_TILT] = {"gantry-tilt", "slices move sideways: gantry tilt", false},
	[RT_NOTE_NO_FRAME] = {"no-frame", "no frame of reference to compare", false},
};

const char *rt_note_text(enum rt_note_kind kind)
{
	assert(kind < RT_NOTE_KINDS);
	return kinds[kind].text;
}

const char *rt_note_word(enum rt_note_kind kind)
{
	assert(kind < RT_NOTE_KINDS);
	return kinds[kind].word;
}

bool rt_note_is_loss(enum rt_note_kind kind)
{
	assert(kind < RT_NOTE_KINDS);
	return kinds[kind].loss;
}
