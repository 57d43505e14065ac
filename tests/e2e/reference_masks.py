#!/usr/bin/python3
"""Every overlay bit of every study, against a slow reference that shares nothing with netrt but the standard.

The reference reads the structure set with pydicom, decides from geometry alone on which image each contour lies, tests
pixel centres against the paths in double precision, and combines the contours of a ROI by nesting. Pixels whose centre is
within 2^-12 * sqrt(2) pixels of a path are not compared: there the snapping of vertices decides.

    reference_masks.py            every set of shared data with a structure set, and phantoms
    reference_masks.py FOLDER...  these studies
"""
import glob
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import pydicom
except ImportError as missing:
    print(f'SKIP: {missing}')
    sys.exit(77)

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
NETRT = os.path.join(ROOT, 'build', 'netrt')
DATA = os.environ.get('NETRT_DATA') or os.path.join(ROOT, '..', 'shared', 'data')
EPS = 2.0 ** -12 * 2 ** 0.5
TOLERANCE_MM = 1.5
AREA_TYPES = ('CLOSED_PLANAR', 'CLOSEDPLANAR_XOR', 'INTERPOLATED_PLANAR')


def read_study(folder):
    images, sets = [], []
    for path in sorted(glob.glob(os.path.join(folder, '**', '*'), recursive=True)):
        if not os.path.isfile(path):
            continue
        try:
            ds = pydicom.dcmread(path, defer_size='1 KB')
        except (pydicom.errors.InvalidDicomError, OSError):
            continue
        if ds.get('Modality') == 'RTSTRUCT':
            sets.append(ds)
        elif 'Rows' in ds:
            images.append(ds)
    return images, sets


class Plane:
    def __init__(self, ds):
        self.ds = ds
        self.uid = str(ds.SOPInstanceUID)
        self.origin = np.array([float(v) for v in ds.ImagePositionPatient])
        d = np.array([float(v) for v in ds.ImageOrientationPatient])
        self.across, self.down = d[:3], d[3:]
        self.normal = np.cross(self.across, self.down)
        self.normal /= np.linalg.norm(self.normal)
        self.row_spacing, self.col_spacing = (float(v) for v in ds.PixelSpacing)
        self.shape = (int(ds.Rows), int(ds.Columns))
        self.along = float(self.origin @ self.normal)

    def pixels(self, points):
        """Columns and rows of patient points: the least squares solution of the image plane equation."""
        basis = np.column_stack([self.across * self.col_spacing, self.down * self.row_spacing])
        solved = np.linalg.lstsq(basis, (points - self.origin).T, rcond=None)[0]
        return solved[0], solved[1]


def stack(images):
    planes = sorted((Plane(ds) for ds in images), key=lambda p: p.along)
    positions = sorted({round(p.along, 4) for p in planes})
    gaps = np.diff(positions)
    thickness = float(planes[0].ds.get('SliceThickness') or 0) or 2 * TOLERANCE_MM
    for p in planes:
        near = [abs(q - p.along) for q in positions if abs(q - p.along) > 1e-3]
        p.local = min(near) if len(gaps) else thickness
    return planes


def place(points, named, planes):
    """The planes that a contour lies on."""
    off = [float(np.mean((points - p.origin) @ p.normal)) for p in planes]
    best = min(range(len(planes)), key=lambda k: abs(off[k]))
    limit = min(TOLERANCE_MM, planes[best].local / 2)
    if abs(off[best]) > limit + 1e-6:
        return []
    equals = [k for k in range(len(planes)) if abs(abs(off[k]) - abs(off[best])) < 1e-3]
    for k in equals:
        if planes[k].uid == named:
            return [k]
    same = [k for k in equals if abs(planes[k].along - planes[best].along) < 1e-3]
    return same


def fill(x, y, shape):
    """Even-odd mask of one closed path by pixel centres, and the pixels too near the path to tell."""
    rows, cols = shape
    x2, y2 = np.roll(x, -1), np.roll(y, -1)
    near = np.zeros(shape, bool)
    top, bottom = max(0, int(np.floor(y.min()))), min(rows - 1, int(np.ceil(y.max())))
    flips = np.zeros((rows, cols + 1), np.int64)
    if top <= bottom:
        r = np.arange(top, bottom + 1)
        crosses = (y[:, None] <= r) != (y2[:, None] <= r)
        edge, at = np.nonzero(crosses)
        row = r[at]
        cross = x[edge] + (row - y[edge]) * (x2[edge] - x[edge]) / (y2[edge] - y[edge])
        column = np.clip(np.ceil(cross), 0, cols).astype(int)
        np.add.at(flips, (row, column), 1)
        nearest = np.rint(cross).astype(int)
        # the distance from the centre to the line, not along the row
        steep = np.abs(y2[edge] - y[edge]) / np.hypot(x2[edge] - x[edge], y2[edge] - y[edge])
        reach = np.where(steep > 0, EPS / np.maximum(steep, 1e-12), 1e9)
        for s in np.nonzero(reach > 0.5)[0]:
            low, high = int(np.ceil(cross[s] - reach[s])), int(np.floor(cross[s] + reach[s]))
            low, high = max(low, 0), min(high, cols - 1)
            if low <= high:
                near[row[s], low:high + 1] = True
        close = (np.abs(cross - nearest) <= reach) & (nearest >= 0) & (nearest < cols)
        near[row[close], nearest[close]] = True
    for i in np.nonzero(np.abs(y - np.rint(y)) <= EPS)[0]:
        r = int(round(y[i]))
        for other in (x2[i], np.roll(x, 1)[i]):
            flat = abs((y2[i] if other == x2[i] else np.roll(y, 1)[i]) - r) <= EPS
            if 0 <= r < rows:
                span = sorted((x[i], other)) if flat else (x[i], x[i])
                low, high = int(np.ceil(span[0] - EPS)), int(np.floor(span[1] + EPS))
                if high >= 0 and low < cols and low <= high:
                    near[r, max(low, 0):min(high, cols - 1) + 1] = True
    return np.cumsum(flips, axis=1)[:, :cols] % 2 == 1, near


def same_path(a, b):
    def canon(p):
        p = [tuple(np.round(q, 6)) for q in p]
        p = [q for i, q in enumerate(p) if q != p[i - 1]] or p[:1]
        turns = [tuple(p[i:] + p[:i]) for i in range(len(p)) if p[i] == min(p)]
        q = p[::-1]
        turns += [tuple(q[i:] + q[:i]) for i in range(len(q)) if q[i] == min(q)]
        return min(turns)
    return len(a) - len(b) in (-1, 0, 1) and canon(a) == canon(b)


def combine(contours, shape):
    """One ROI on one plane: contours as (x, y, is_xor)."""
    kept = []
    for c in contours:
        if not c[2] and any(not k[2] and same_path(np.column_stack(c[:2]), np.column_stack(k[:2])) for k in kept):
            continue
        kept.append(c)
    near = np.zeros(shape, bool)
    parity = np.zeros(shape, bool)
    plain = []
    for x, y, is_xor in kept:
        mask, close = fill(x, y, shape)
        near |= close
        if is_xor:
            parity ^= mask
        else:
            plain.append((mask, close))
    if not plain:
        return parity, near
    masks = [m for m, _ in plain]
    inside = [[i != j and masks[i].any() and masks[i].sum() < masks[j].sum() and not (masks[i] & ~masks[j] & ~near).any()
               for j in range(len(masks))] for i in range(len(masks))]
    depth = [sum(row) for row in inside]
    out = np.zeros(shape, bool)
    for j, mask in enumerate(masks):
        if depth[j] % 2 == 0:
            region = mask.copy()
            for i in range(len(masks)):
                if inside[i][j] and depth[i] == depth[j] + 1:
                    region &= ~masks[i]
            out |= region
    return out | parity, near


def wanted(name):
    return 'skull' not in name.lower()


def roi_planes(rs, planes):
    """{plane: {roi number: [(x, y, xor)]}} and how many contours were placed."""
    names = {int(r.ROINumber): str(r.get('ROIName', '')) for r in rs.StructureSetROISequence}
    placed, used = {}, 0
    for item in rs.ROIContourSequence:
        number = int(item.ReferencedROINumber)
        if not wanted(names.get(number, '')):
            continue
        for contour in item.get('ContourSequence', []):
            if contour.get('ContourGeometricType') not in AREA_TYPES:
                continue
            points = np.array([float(v) for v in contour.ContourData]).reshape(-1, 3)
            if len(points) < 3:
                continue
            refs = contour.get('ContourImageSequence')
            named = str(refs[0].ReferencedSOPInstanceUID) if refs else ''
            where = place(points, named, planes)
            used += bool(where)
            for k in where:
                x, y = planes[k].pixels(points)
                xor = contour.ContourGeometricType == 'CLOSEDPLANAR_XOR'
                placed.setdefault(k, {}).setdefault(number, []).append((x, y, xor))
    return placed, used


def check_series(rs, images, outputs, label):
    by_uid = {str(ds.SOPInstanceUID): ds for ds in images}
    planes = stack([by_uid[uid] for uid in outputs if uid in by_uid])
    series = {str(p.ds.SeriesInstanceUID) for p in planes}
    assert len(series) == 1, f'{label}: the output mixes source series'
    whole = [u for u, ds in by_uid.items() if str(ds.SeriesInstanceUID) in series]
    assert sorted(whole) == sorted(outputs), f'{label}: {len(outputs)} outputs for a series of {len(whole)}'
    placed, used = roi_planes(rs, planes)
    bits = compared = skipped = 0
    for k, plane in enumerate(planes):
        out = pydicom.dcmread(outputs[plane.uid])
        group = next(g for g in range(0x601E, 0x5FFE, -2) if (g, 0x3000) in out)
        got = out.overlay_array(group).astype(bool)
        want, near = np.zeros(plane.shape, bool), np.zeros(plane.shape, bool)
        for contours in placed.get(k, {}).values():
            mask, close = combine(contours, plane.shape)
            want |= mask
            near |= close
        wrong = (got != want) & ~near
        assert not wrong.any(), (f'{label}: {plane.uid}: {int(wrong.sum())} pixels differ, first at row, column '
                                 f'{np.argwhere(wrong)[0].tolist()} (netrt says {bool(got[wrong][0])})')
        assert out.PixelData == plane.ds.PixelData, f'{label}: {plane.uid}: pixel data changed'
        bits += int(got.sum())
        compared += int((~near).sum())
        skipped += int(near.sum())
    assert used == 0 or bits > 0, f'{label}: contours, but no bit is set'
    print(f'ok {label}: {len(planes)} images, {used} contours, {bits} bits set, {compared} pixels compared, '
          f'{skipped} on a path', flush=True)
    return used


def check(folder, label, expect=None):
    images, sets = read_study(folder)
    with tempfile.TemporaryDirectory() as out:
        run = subprocess.run([NETRT, 'process', '-c', os.path.join(ROOT, 'tests', 'e2e', 'plain.yaml'), folder, '-o', out],
                             capture_output=True, text=True)
        series = {}
        for path in glob.glob(os.path.join(out, 'UID_*', 'Addition', 'OVERLAY-*.dcm')):
            ds = pydicom.dcmread(path, stop_before_pixels=True)
            rs = next(str(i.ReferencedSOPInstanceUID) for i in ds.SourceInstanceSequence)
            source = str(ds.SourceImageSequence[0].ReferencedSOPInstanceUID)
            series.setdefault((rs, str(ds.SeriesInstanceUID)), {})[source] = path
        total = 0
        for (rs, _), outputs in sorted(series.items()):
            total += check_series(next(s for s in sets if str(s.SOPInstanceUID) == rs), images, outputs, label)
        if expect is not None:
            assert total == expect, f'{label}: {total} contours used, expected {expect}'
        if not series:
            assert run.returncode != 0, f'{label}: no output, and exit code 0'
            print(f'ok {label}: refused with exit code {run.returncode}: {run.stderr.strip()[-300:]}')
        else:
            assert run.returncode == 0, f'{label}: exit code {run.returncode}: {run.stderr}'


def phantoms(folder):
    for name, options in (('small', ['--slices', '24']), ('odd-matrix', ['--slices', '8', '--matrix', '189'])):
        path = os.path.join(folder, name)
        subprocess.run([NETRT, 'phantom', path, *options], check=True, stdout=subprocess.DEVNULL)
        yield path, f'phantom {name}'


def main():
    studies = [(f, os.path.basename(f.rstrip('/'))) for f in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as made:
        if not studies:
            studies = list(phantoms(made))
            sets = sorted(glob.glob(os.path.join(DATA, 'sets', '*', 'rtstruct*.dcm')))
            if not sets:
                print(f'SKIP: real studies: no {DATA}/sets')
            studies += [(os.path.dirname(s), os.path.basename(os.path.dirname(s))) for s in sets]
        failed = 0
        for folder, label in dict(studies).items():
            try:
                check(folder, label)
            except AssertionError as wrong:
                failed += 1
                print(f'FAILED {wrong}', flush=True)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
