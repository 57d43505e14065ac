"""Makes up studies for the end-to-end tests, with pydicom, and compares what netrt makes of them.

Contours are drawn in pixels and written in patient space through the image's own plane equation:
netrt must bring back the pixels they were drawn on.  The truth therefore knows nothing of
orientations, positions and orders.  Pixels whose centre is within 2/1000 of a path are not
compared.  Not executable, so tests/e2e/run leaves it alone.
"""
import collections
import copy
import glob
import json
import os
import re
import shutil
import subprocess
import warnings

from harness import run, skip

try:
    import numpy as np
    import pydicom
    from pydicom.dataelem import RawDataElement
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.sequence import Sequence
    from pydicom.tag import Tag
except ImportError as missing:
    skip("makes", missing)

warnings.filterwarnings("ignore")  # pydicom on odd values, which are meant

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
DEFLATED, BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
CT, MR, PET = ("1.2.840.10008.5.1.4.1.1." + end for end in ("2", "4", "128"))
STRUCTURE_SET, CAPTURE = "1.2.840.10008.5.1.4.1.1.481.3", "1.2.840.10008.5.1.4.1.1.7"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
CONFIG = "anonymization:\n  enabled: false\nprocessing:\n  add_burn_in_disclaimer: false\n"
AXIAL = (1, 0, 0, 0, 1, 0)
NEAR = 2e-3


class Uids:
    def __init__(self):
        self.last = 0

    def __call__(self):
        self.last += 1
        return "1.2.826.0.1.3680043.10.1337.%d" % self.last


uid = Uids()
noise = np.random.default_rng(7)


def put(d, **attributes):
    for keyword, value in attributes.items():
        if value is None:
            if keyword in d:
                del d[keyword]
        else:
            setattr(d, keyword, value)
    return d


def text(value):
    return ("%.10f" % value)[:16]


class Series:
    """Images of one orientation; along: where each lies on the normal, in mm."""

    def __init__(self, study, template, sop_class=CT, modality="CT", rows=48, cols=64, down=1.5, across=0.9, iop=AXIAL,
                 along=(0, 3, 6, 9, 12, 15, 18), shear=(0, 0), origin=(-30.0, -40.0, -20.0), syntax=EXPLICIT,
                 thickness=3, location=None, reverse=False):
        self.study, self.syntax, self.rows, self.cols, self.down, self.across = study, syntax, rows, cols, down, across
        self.uid = uid()
        directions = [np.array(v, float) / np.linalg.norm(v) for v in (iop[:3], iop[3:])]
        self.iop = ["%.9g" % v for d in directions for v in d]
        self.x, self.y = np.array(self.iop[:3], float), np.array(self.iop[3:], float)
        self.normal = np.cross(self.x, self.y) / np.linalg.norm(np.cross(self.x, self.y))
        self.images, self.positions = [], []
        for i, a in enumerate(along):
            at = np.array(origin) + a * (self.normal + shear[0] * self.x + shear[1] * self.y)
            at = ["%.6f" % v for v in at]
            self.positions.append(np.array(at, float))
            d = copy.deepcopy(template)
            put(d, PatientName="Makes^Other", PatientID="M", StudyInstanceUID=study.uid, SeriesInstanceUID=self.uid, SOPInstanceUID=uid(), SOPClassUID=sop_class,
                FrameOfReferenceUID=study.frame, Modality=modality, ImagePositionPatient=at,
                ImageOrientationPatient=self.iop, PixelSpacing=[str(down), str(across)], Rows=rows, Columns=cols,
                InstanceNumber=len(along) - i if reverse else i + 1, SliceThickness=str(thickness),
                SliceLocation=None if location is None else "%.4f" % (location * a),
                PixelData=noise.integers(0, 4000, rows * cols).astype("<u2").tobytes())
            self.images.append(d)
        study.series.append(self)

    def patient(self, k, points):
        points = np.asarray(points, float)
        return self.positions[k] + points[:, :1] * self.across * self.x + points[:, 1:] * self.down * self.y


class StructureSet:
    def __init__(self, study, refers=None, charset="ISO_IR 100", syntax=IMPLICIT):
        self.study, self.syntax, self.want, self.near = study, syntax, {}, {}
        self.series = refers  # whose images get overlays; None: nothing is made
        self.d = put(Dataset(), SpecificCharacterSet=charset, InstanceCreationDate="20200101", SOPClassUID=STRUCTURE_SET,
                     SOPInstanceUID=uid(), StudyDate="20200101", StudyTime="101010", AccessionNumber="",
                     Modality="RTSTRUCT", Manufacturer="A. Make", ReferringPhysicianName="", OperatorsName="",
                     PatientName="Makes^Other", PatientID="M", PatientBirthDate="", PatientSex="O",
                     StudyInstanceUID=study.uid, SeriesInstanceUID=uid(), StudyID="1", SeriesNumber=5,
                     FrameOfReferenceUID=study.frame, StructureSetLabel="S", StructureSetDate="20200102",
                     StructureSetTime="101010", StructureSetROISequence=Sequence(), ROIContourSequence=Sequence(),
                     RTROIObservationsSequence=Sequence())
        if refers is not None:
            self.refer(refers)
        study.sets.append(self)

    def refer(self, series):
        images = [put(Dataset(), ReferencedSOPClassUID=i.SOPClassUID, ReferencedSOPInstanceUID=i.SOPInstanceUID)
                  for i in series.images]
        one = put(Dataset(), SeriesInstanceUID=series.uid, ContourImageSequence=Sequence(images))
        study = put(Dataset(), ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1", ReferencedSOPInstanceUID=self.study.uid,
                    RTReferencedSeriesSequence=Sequence([one]))
        frame = put(Dataset(), FrameOfReferenceUID=self.study.frame, RTReferencedStudySequence=Sequence([study]))
        self.d.ReferencedFrameOfReferenceSequence = Sequence([frame])

    def roi(self, name, number=None, frame=None, observed=True, contours=True):
        number = len(self.d.StructureSetROISequence) + 1 if number is None else number
        self.d.StructureSetROISequence.append(
            put(Dataset(), ROINumber=number, ReferencedFrameOfReferenceUID=frame or self.study.frame, ROIName=name,
                ROIGenerationAlgorithm="MANUAL"))
        self.at = put(Dataset(), ReferencedROINumber=number, ContourSequence=Sequence() if contours else None)
        self.d.ROIContourSequence.append(self.at)
        if observed:
            self.d.RTROIObservationsSequence.append(
                put(Dataset(), ObservationNumber=number, ReferencedROINumber=number, RTROIInterpretedType="ORGAN",
                    ROIInterpreter=""))

    def contour(self, series, k, points, kind="CLOSED_PLANAR", names=True, off=0.0, paint="or", data=None):
        """names: the image it names (True: its own, None: none); data: another text of the numbers."""
        numbers = (series.patient(k, points) + off * series.normal).ravel()
        c = put(Dataset(), ContourGeometricType=kind, NumberOfContourPoints=len(points))
        if names is not None:
            image = series.images[k if names is True else names]
            c.ContourImageSequence = Sequence([put(Dataset(), ReferencedSOPClassUID=image.SOPClassUID,
                                                   ReferencedSOPInstanceUID=image.SOPInstanceUID)])
        raw = (data(numbers) if data else "\\".join(text(v) for v in numbers)).encode()
        raw += b" " * (len(raw) % 2)
        tag = Tag(0x3006, 0x0050)
        c[tag] = RawDataElement(tag, "DS", len(raw), raw, 0, True, True)
        self.at.ContourSequence.append(c)
        if paint:
            self.paint(series, k, points, paint)
        return c

    def paint(self, series, k, points, how="or"):
        image = series.images[k]
        inside, near = fill(points, (image.Rows, image.Columns))
        want = self.want.setdefault(image.SOPInstanceUID, np.zeros(inside.shape, bool))
        want[:] = want ^ inside if how == "xor" else want | inside
        self.near.setdefault(image.SOPInstanceUID, np.zeros(inside.shape, bool))[:] |= near

    def forget(self, image):
        self.want.pop(image.SOPInstanceUID, None)
        self.near.pop(image.SOPInstanceUID, None)


def fill(points, shape):
    """Which pixel centres lie inside, and which are too near the path to tell."""
    points = np.asarray(points, float)
    inside, near = np.zeros(shape, bool), np.zeros(shape, bool)
    low = np.clip(np.floor(points.min(axis=0)) - 1, 0, (shape[1], shape[0])).astype(int)
    high = np.clip(np.ceil(points.max(axis=0)) + 2, 0, (shape[1], shape[0])).astype(int)
    part = np.s_[low[1]:high[1], low[0]:high[0]]
    row, col = np.mgrid[part].astype(float)
    if row.size == 0:
        return inside, near
    for (x1, y1), (x2, y2) in zip(points, np.roll(points, -1, axis=0)):
        if y1 != y2:
            inside[part] ^= ((y1 <= row) != (y2 <= row)) & (col < x1 + (row - y1) * (x2 - x1) / (y2 - y1))
        length = (x2 - x1) ** 2 + (y2 - y1) ** 2
        t = np.clip(((col - x1) * (x2 - x1) + (row - y1) * (y2 - y1)) / length, 0, 1) if length > 0 else 0
        near[part] |= np.hypot(col - x1 - t * (x2 - x1), row - y1 - t * (y2 - y1)) < NEAR
    return inside, near


def star(x, y, radius, points=40, wobble=0.3, seed=0):
    shape = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    reach = radius * (1 + wobble * (shape.random(points) - 0.5))
    return np.c_[x + reach * np.cos(angle), y + reach * np.sin(angle)]


def box(x0, y0, x1, y1):
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], float)


class Study:
    def __init__(self, r, work, template, name):
        self.r, self.name, self.template = r, name, template
        self.folder, self.out = os.path.join(work, name), os.path.join(work, name + "-out")
        self.uid, self.frame, self.series, self.sets = uid(), uid(), [], []
        os.mkdir(self.folder)

    def images(self, **options):
        return Series(self, self.template, **options)

    def structures(self, series, **options):
        """Two organs on every image but the ends."""
        s = StructureSet(self, series, **options)
        side = min(series.rows, series.cols)
        s.roi("Organ A")
        for k in range(len(series.images)):
            s.contour(series, k, star(series.cols * 0.4, series.rows * 0.5, side * 0.3, seed=k))
        s.roi("Organ B")
        for k in range(1, len(series.images) - 1):
            s.contour(series, k, star(series.cols * 0.8, series.rows * 0.2, side * 0.15, seed=100 + k))
        return s

    def write(self):
        files = [(d, s.syntax) for s in self.series for d in s.images] + [(s.d, s.syntax) for s in self.sets]
        for i in noise.permutation(len(files)):
            d, syntax = files[i]
            d.file_meta = FileMetaDataset()
            put(d.file_meta, MediaStorageSOPClassUID=d.SOPClassUID, MediaStorageSOPInstanceUID=d.SOPInstanceUID,
                TransferSyntaxUID=syntax)
            d.is_implicit_VR, d.is_little_endian = syntax == IMPLICIT, syntax != BIG_ENDIAN
            pydicom.dcmwrite("%s/%03d" % (self.folder, i), d, write_like_original=False)

    def process(self, config="", code=0):
        path = self.folder + ".yaml"
        with open(path, "w") as file:
            file.write(CONFIG + config)
        shutil.rmtree(self.out, ignore_errors=True)
        done = run("process", "-c", path, self.folder, "-o", self.out)
        self.r.behaved(done, self.name)
        self.r.check(done.code == code, self.name, "exit code", done.code, done.err[-600:])
        return done

    def outputs(self):
        made = collections.defaultdict(dict)
        for path in glob.glob(self.out + "/UID_*/Addition/*.dcm"):
            d = pydicom.dcmread(path)
            from_set = d.SourceInstanceSequence[-1].ReferencedSOPInstanceUID
            made[from_set][d.SourceImageSequence[0].ReferencedSOPInstanceUID] = d
        return made

    def notes(self):
        """{word: count} of the report's remarks."""
        found = collections.Counter()
        for path in glob.glob(self.out + "/UID_*/report.json"):
            with open(path, encoding="utf-8") as file:
                for one in json.load(file)["structure_sets"]:
                    found.update({w["note"]: w["count"] for w in one["warnings"]})
        return found

    def check(self, config="", code=0, notes=None):
        """Run, and compare every bit.  notes: what the report must say, exactly."""
        self.write()
        self.process(config, code)
        made = self.outputs()
        sources = {d.SOPInstanceUID: d for s in self.series for d in s.images}
        for s in self.sets:
            got = made.pop(s.d.SOPInstanceUID, {})
            expected = {d.SOPInstanceUID for d in s.series.images} if s.series is not None else set()
            self.r.check(set(got) == expected, self.name, len(got), "outputs for", len(expected), "images")
            for name in set(got) & set(sources):
                self.compare(s, sources[name], got[name])
        self.r.check(not made, self.name, "outputs of a structure set that is none", list(made))
        if notes is not None:
            self.r.check(dict(self.notes()) == notes, self.name, "notes", dict(self.notes()), "are not", notes)
        self.valid()

    def compare(self, s, source, output):
        groups = [g for g in range(0x6000, 0x6020, 2) if (g, 0x3000) in output and (g, 0x10) not in source]
        if not self.r.check(groups, self.name, "no plane"):
            return
        if s.series.syntax == BIG_ENDIAN:  # pydicom does not swap the words
            e = output[groups[0], 0x3000]
            e.value = np.frombuffer(e.value, "<u2").byteswap().tobytes()
        got = output.overlay_array(groups[0]).astype(bool)
        want = s.want.get(source.SOPInstanceUID, np.zeros(got.shape, bool))
        near = s.near.get(source.SOPInstanceUID, np.zeros(got.shape, bool))
        if self.r.check(got.shape == want.shape, self.name, "shape", got.shape, want.shape):
            wrong = int(((got != want) & ~near).sum())
            self.r.check(wrong == 0, self.name, source.SOPInstanceUID, wrong, "pixels wrong of", int(want.sum()))
        self.r.check(output.PixelData == source.PixelData, self.name, "pixel data")
        self.r.check(output.file_meta.TransferSyntaxUID == s.series.syntax, self.name, "transfer syntax")
        self.r.check(output.SOPClassUID == source.SOPClassUID, self.name, "SOP class")

    def valid(self):
        """One output of the study, and its source, before dciodvfy."""
        paths = sorted(glob.glob(self.out + "/UID_*/Addition/*.dcm"))
        if not paths or not shutil.which("dciodvfy"):
            return
        name = pydicom.dcmread(paths[0], stop_before_pixels=True).SourceImageSequence[0].ReferencedSOPInstanceUID
        for path in glob.glob(self.folder + "/*"):
            if pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID == name:
                new = errors(paths[0]) - errors(path)
                self.r.check(not new, self.name, "dciodvfy:", list(new))


def errors(path):
    said = subprocess.run(["dciodvfy", path], capture_output=True).stderr.decode("latin-1")
    return collections.Counter(re.sub(r"<[^>]*>", "<>", line) for line in said.splitlines() if line.startswith("Error"))
