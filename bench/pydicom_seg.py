#!/usr/bin/python3
"""How long pydicom takes to write the segmentations that netrt wrote, from ready masks.

    bench/pydicom_seg.py FOLDER OUT     FOLDER has netrt's SEG-*.dcm

Masks (numpy, a byte a pixel), names and positions are taken from netrt's files before the clock
starts.  Timed: the data sets with all functional groups, packing the bits, writing the files.
Prints seconds of processor time.
"""
import glob
import os
import sys
import time

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence

SHARED = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyTime",
          "StudyID", "AccessionNumber", "ReferringPhysicianName", "FrameOfReferenceUID", "PositionReferenceIndicator",
          "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "InstanceNumber", "Modality", "Manufacturer",
          "ManufacturerModelName", "DeviceSerialNumber", "SoftwareVersions", "ContentDate", "ContentTime",
          "ContentLabel", "ContentDescription", "ContentCreatorName", "SegmentationType", "LossyImageCompression",
          "ImageType", "SOPClassUID", "SOPInstanceUID", "SpecificCharacterSet")


def item(**values):
    d = Dataset()
    for keyword, value in values.items():
        setattr(d, keyword, value)
    return d


def code(value, scheme, meaning):
    return Sequence([item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)])


def frame(number, index, position, source):
    """The functional groups of one frame."""
    image = item(ReferencedSOPClassUID=source[0], ReferencedSOPInstanceUID=source[1], SpatialLocationsPreserved="YES",
                 PurposeOfReferenceCodeSequence=code("121322", "DCM", "Source image for image processing operation"))
    return item(
        DerivationImageSequence=Sequence([item(SourceImageSequence=Sequence([image]),
                                               DerivationCodeSequence=code("113076", "DCM", "Segmentation"))]),
        FrameContentSequence=Sequence([item(DimensionIndexValues=[number, index])]),
        PlanePositionSequence=Sequence([item(ImagePositionPatient=position)]),
        SegmentIdentificationSequence=Sequence([item(ReferencedSegmentNumber=number)]))


def write(path, known, masks):
    d = FileDataset(path, {}, preamble=b"\0" * 128, file_meta=FileMetaDataset())
    for keyword, value in known["texts"].items():
        setattr(d, keyword, value)
    d.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    d.file_meta.MediaStorageSOPClassUID = d.SOPClassUID
    d.file_meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID
    d.is_little_endian, d.is_implicit_VR = True, False
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
    d.NumberOfFrames, d.Rows, d.Columns = masks.shape
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 1, 1, 0, 0
    for keyword, value in known["sequences"].items():
        setattr(d, keyword, value)
    d.PerFrameFunctionalGroupsSequence = Sequence(
        [frame(number, i + 1, position, source) for i, (number, position, source) in enumerate(known["frames"])])
    packed = np.packbits(masks.ravel(), bitorder="little").tobytes()
    d.PixelData = packed + b"\0" * (len(packed) % 2)
    d["PixelData"].VR = "OB"
    d.save_as(path, write_like_original=False)


def load(path):
    d = pydicom.dcmread(path)
    masks = d.pixel_array.reshape(int(d.NumberOfFrames), d.Rows, d.Columns).astype(np.uint8)
    frames = []
    for g in d.PerFrameFunctionalGroupsSequence:
        source = g.DerivationImageSequence[0].SourceImageSequence[0]
        frames.append((1, [float(v) for v in g.PlanePositionSequence[0].ImagePositionPatient],
                       (source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID)))
    known = {
        "texts": {k: d[k].value for k in SHARED if k in d},
        "sequences": {k: d[k].value for k in ("SegmentSequence", "SharedFunctionalGroupsSequence", "ReferencedSeriesSequence",
                                              "DimensionOrganizationSequence", "DimensionIndexSequence")},
        "frames": frames,
    }
    return known, masks


def main():
    ready = [load(path) for path in sorted(glob.glob(os.path.join(sys.argv[1], "SEG-*.dcm")))]
    os.makedirs(sys.argv[2], exist_ok=True)
    began = time.process_time()
    for i, (known, masks) in enumerate(ready):
        write(os.path.join(sys.argv[2], "%d.dcm" % i), known, masks)
    print("%.3f" % (time.process_time() - began))


if __name__ == "__main__":
    main()
