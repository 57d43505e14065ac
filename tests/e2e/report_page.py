#!/usr/bin/python3
"""report.html: is it a page that stands alone, says what is so, and can be read by everybody?

By a parser of its own (well-formed, nothing foreign in it, labels, headings, tables), against masks and
contours counted anew, with ROIs of hostile names, and in Chromium: on a telephone and on a desk, light,
dark and on paper, with the keyboard, and as a screen reader gets it.  Pictures are left in
build/e2e/report_page, to be looked at.

    report_page.py [GROUP...]     all, or some of: page, numbers, hostile, browser, service
"""
import base64
import glob
import hashlib
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys

from browser import CHROMIUM, Browser
from harness import Report, run, skip
from serve_harness import Object, Service, Storescp, Study, need_serve, send, study_uid, wait_for, workspace

try:
    import cv2
    import numpy as np
    import pydicom
    import studies
except ImportError:
    skip("report_page", "no pydicom, or no OpenCV")

CONFIG = """
anonymization: {enabled: false}
processing: {add_burn_in_disclaimer: false, ignore_contour_names_containing: [skull], overlay_planes: %s}
"""
VOID = {"meta", "img", "br", "rect", "path"}  # the last two close themselves
ALLOWED = VOID | set("""html head title style body a header main section nav footer h1 h2 h3 p span strong small time dl dt
    dd div ul li table thead tbody tr th td bdi svg text figure figcaption pre""".split())
ATTRIBUTES = set("""lang charset http-equiv content name class href id aria-labelledby aria-label aria-hidden role tabindex
    scope datetime viewbox x y rx width height fill d stroke-dasharray preserveaspectratio text-anchor alt src""".split())


# ---- as a parser reads it ----

class Page(html.parser.HTMLParser):
    """Every tag must be one that the report has, and be closed in order."""

    def __init__(self, r, what, text):
        super().__init__(convert_charrefs=True)
        self.r, self.what, self.stack, self.found, self.texts = r, what, [], [], []
        self.feed(text)
        self.close()
        r.check(not self.stack, what, "not closed:", self.stack)

    def handle_starttag(self, tag, attrs):
        self.r.check(tag in ALLOWED, self.what, "has a", tag)
        for name, value in attrs:
            self.r.check(name in ATTRIBUTES, self.what, tag, "has an attribute", name, "=", value)
        self.r.check(len(dict(attrs)) == len(attrs), self.what, tag, "repeats an attribute")
        self.found.append((tag, dict(attrs), list(self.stack)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.r.check(tag in VOID, self.what, "has an empty", tag)

    def handle_endtag(self, tag):
        self.r.check(self.stack and self.stack.pop() == tag, self.what, "ends", tag)

    def handle_data(self, data):
        self.texts.append((self.stack[-1] if self.stack else "", data))

    def handle_comment(self, data):
        self.r.check(data == "netrt:delivery", self.what, "comment", data)

    def handle_decl(self, decl):
        self.r.check(decl == "DOCTYPE html", self.what, decl)

    def unknown_decl(self, data):
        self.r.check(False, self.what, "declares", data)

    handle_pi = unknown_decl

    def all(self, tag, **attributes):
        return [a for t, a, _ in self.found if t == tag and all(a.get(k.replace("_", "-")) == v for k, v in attributes.items())]

    def text_in(self, tag):
        return [d for t, d in self.texts if t == tag]


def check_alone(r, what, text, page):
    """No script, no request, and a policy that says so before anything else."""
    (style,) = re.findall("<style>(.*?)</style>", text, re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = page.all("meta", http_equiv="Content-Security-Policy")
    r.check(policy == [{"http-equiv": "Content-Security-Policy", "content":
            "default-src 'none'; img-src data:; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'" % digest}],
            what, "policy", policy)
    r.check(0 < text.find("Content-Security-Policy") < text.find("<style>"), what, "the policy comes late")
    r.check("url(" not in style and "@import" not in style and "\\" not in style, what, "the style asks for more")
    for tag, attributes, _ in page.found:
        for name, value in attributes.items():
            r.check(not name.startswith("on") and name not in ("style", "srcset"), what, tag, name)
            if name == "src":
                r.check(value.startswith("data:image/jpeg;base64,"), what, value[:40])
            elif name == "href":
                r.check(re.fullmatch("#[a-z0-9]+", value), what, "link to", value)
    r.check(not re.search("[\0-\x08\x0b-\x1f\x7f\x80-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]", text), what,
            "control characters")


def check_readable(r, what, page):
    """What a screen reader goes by."""
    r.check(page.all("html") == [{"lang": "en"}], what, "language")
    r.check(len("".join(page.text_in("title"))) > 5, what, "title")
    r.check(len(page.all("main")) == 1 and len(page.all("h1")) == 1, what, "one main, one h1")
    levels = [int(t[1]) for t, _, _ in page.found if re.fullmatch("h[1-6]", t)]
    r.check(all(b <= a + 1 for a, b in zip(levels, levels[1:])), what, "headings leave out a level", levels)
    ids = [a["id"] for _, a, _ in page.found if "id" in a]
    r.check(len(ids) == len(set(ids)), what, "ids repeat")
    for tag, a, stack in page.found:
        for target in a.get("aria-labelledby", "").split() + [a["href"][1:] if tag == "a" else "main"]:
            r.check(target in ids, what, tag, "refers to", target)
        if tag == "th":
            r.check(a.get("scope") in ("col", "row"), what, "th without a scope")
            r.check(a.get("scope") == ("col" if "thead" in stack else "row"), what, "scope of", a)
        if tag == "img":
            r.check(a.get("alt") and int(a["width"]) > 0 and int(a["height"]) > 0, what, "img", {**a, "src": ""})
        if tag == "svg":
            r.check(a.get("aria-hidden") == "true" or (a.get("role") == "img" and a.get("aria-label")), what, "svg", a)
        if tag == "section":
            r.check(a.get("aria-labelledby"), what, "section without a name")
        if tag == "div" and "wide" in a.get("class", "").split():
            r.check(a.get("tabindex") == "0" and a.get("role") == "region" and a.get("aria-labelledby"), what,
                    "what scrolls cannot be reached", a)
    r.check(page.all("meta", name="viewport"), what, "viewport")


def check_pictures(r, what, page, count):
    images = page.all("img")
    r.check(len(images) == count, what, len(images), "pictures, not", count)
    for a in images:
        data = base64.b64decode(a["src"].split(",", 1)[1], validate=True)
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        r.check(picture is not None and picture.shape[:2] == (int(a["height"]), int(a["width"])), what, "picture",
                {**a, "src": ""})
        r.check(len(data) < 60000, what, "a picture of", len(data), "bytes")


def read(r, what, path, pictures=None):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    page = Page(r, what, text)
    check_alone(r, what, text, page)
    check_readable(r, what, page)
    if pictures is not None:
        check_pictures(r, what, page, pictures)
    return text, page


def process(r, what, study, out, planes="merged", code=0):
    config = out + ".yaml"
    with open(config, "w", encoding="utf-8") as file:
        file.write(CONFIG % planes)
    done = run("process", "-c", config, study, "-o", out, timeout=120)
    r.check(done.code == code, what, "exit code", done.code, done.err[-500:])
    (folder,) = glob.glob(out + "/UID_*")
    return folder


# ---- does it say what is so? ----

def rows_of(text):
    """{name: [texts of the cells]} of the table of ROIs."""
    table = re.search('<table class="rois">.*?</table>', text, re.S).group(0)
    rows = {}
    for row in re.findall("<tr.*?</tr>", table.split("<tbody>")[1], re.S):
        cells = [html.unescape(re.sub("<[^>]*>", "", c)) for c in re.findall("<t[dh].*?</t[dh]>", row, re.S)]
        name = html.unescape(re.search('<bdi class="name">(.*?)</bdi>', row).group(1))
        rows[name] = [c.replace("\xa0", " ").replace("\u2212", "-") for c in cells]
    return rows


def masks_of(folder):
    """{ROI name: {slice: mask}}, spacing and positions, of the overlay series."""
    images = sorted((pydicom.dcmread(p) for p in glob.glob(folder + "/Addition/*.dcm")),
                    key=lambda d: float(d.ImagePositionPatient[2]))
    masks = {}
    for k, d in enumerate(images):
        for group in range(0x6000, 0x6020, 2):
            if (group, 0x3000) in d and (group, 0x1500) in d:
                mask = d.overlay_array(group) > 0
                if mask.any():
                    masks.setdefault(d[group, 0x1500].value, {})[k] = mask
    z = [float(d.ImagePositionPatient[2]) for d in images]
    return masks, [float(v) for v in images[0].PixelSpacing], z


def areas_of(study):
    """{ROI name: sum over contours of area}, for those of one contour a slice, by the shoelace formula."""
    d = pydicom.dcmread(glob.glob(study + "/rs/*")[0])
    names = {i.ROINumber: i.ROIName for i in d.StructureSetROISequence}
    areas = {}
    for item in d.ROIContourSequence:
        total, levels = 0, []
        for contour in item.get("ContourSequence", []):
            points = np.array([float(v) for v in contour.ContourData]).reshape(-1, 3)
            x, y = points[:, 0], points[:, 1]
            total += abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
            levels.append(points[0, 2])
        if len(levels) == len(set(levels)) and len(levels) > 1:
            areas[names[item.ReferencedROINumber]] = total
    return areas


def check_numbers(r, folder, study, text):
    masks, (row_mm, col_mm), z = masks_of(folder)
    gap = np.diff(z).min()
    with open(folder + "/report.json", encoding="utf-8") as file:
        whole = json.load(file)
    said = {roi["name"]: roi for roi in whole["structure_sets"][0]["rois"]}
    made = {os.path.basename(d): len(os.listdir(d)) for d in glob.glob(folder + "/*") if os.path.isdir(d)}
    r.check(whole["files"] == made, "files", whole["files"], "not", made)
    rows, compared = rows_of(text), 0
    r.check(list(rows) == list(said), "rows", list(rows))
    for name, of in masks.items():
        if name not in said or len(of) != said[name]["slices"]:
            continue  # no plane of its own on every image: 16 is the most
        whole = np.any(list(of.values()), axis=0)
        down, across = np.flatnonzero(whole.any(1)), np.flatnonzero(whole.any(0))
        extent = [(across[-1] - across[0] + 1) * col_mm, (down[-1] - down[0] + 1) * row_mm, (max(of) - min(of) + 1) * gap]
        volume = sum(m.sum() for m in of.values()) * row_mm * col_mm * gap / 1000
        roi = said[name]
        r.check(np.allclose(roi["extent_mm"], extent, atol=2e-3), name, "extent", roi["extent_mm"], extent)
        r.check(abs(roi["volume_ml"] - volume) < 1e-4 * volume, name, "volume", roi["volume_ml"], volume)
        r.check((roi["first_slice"], roi["last_slice"]) == (min(of) + 1, max(of) + 1), name, "slices")
        r.check(rows[name][6].split(" \xd7 ") == ["%.1f" % v for v in roi["extent_mm"]], name, rows[name][6])
        r.check(abs(float(rows[name][2]) - volume) <= 0.0501, name, "volume in the table", rows[name][2])
        compared += 1
    r.check(compared >= 6, "compared only", compared)
    compared = 0
    for name, area in areas_of(study).items():
        roi = said[name]
        if not roi["volume_by_contours_ml"] or name == "Skull":
            continue
        volume = area * gap / 1000
        r.check(abs(roi["volume_by_contours_ml"] - volume) < 0.001 * volume + 1e-4, name, "by contours",
                roi["volume_by_contours_ml"], volume)
        differs = abs(roi["volume_ml"] - volume) > 0.05 * max(roi["volume_ml"], volume)
        r.check(roi["volumes_differ"] == differs == ("differs" in rows[name][4]), name, "flag", rows[name][4])
        compared += 1
    r.check(compared >= 6, "compared by contours only", compared)


def numbers(r, work):
    run("phantom", work + "/study", "--slices", "30", "--matrix", "128")
    folder = process(r, "numbers", work + "/study", work + "/numbers", "per_roi")
    text, _ = read(r, "numbers", folder + "/report.html", 24)
    check_numbers(r, folder, work + "/study", text)
    orientations(r, work)


WAYS = {"head-first": (1, 0, 0, 0, 1, 0), "feet-first": (-1, 0, 0, 0, 1, 0), "sagittal": (0, 1, 0, 0, 0, -1),
        "coronal": (1, 0, 0, 0, 0, -1), "oblique": (0.8, 0.6, 0, -0.36, 0.48, 0.8)}


def ends_of(direction):
    """The two ends of the patient's axis that it follows most: x grows to the left, y to the back, z to the head."""
    i = int(np.argmax(np.abs(direction)))
    low, high = ("RL", "AP", "FH")[i]
    return "%s-%s" % ((low, high) if direction[i] > 0 else (high, low))


def orientations(r, work):
    """A box of 10 columns, 16 rows and 3 images (of 1.5, 0.9 and 3 mm), however the patient lies."""
    template = studies.pydicom.dcmread(sorted(glob.glob(work + "/study/ct/*"))[0])
    for name, iop in WAYS.items():
        s = studies.Study(r, work, template, name)
        images = s.images(iop=iop)
        structures = studies.StructureSet(s, images)
        structures.roi("Box")
        for k in (2, 3, 4):
            structures.contour(images, k, studies.box(3.5, 4.5, 13.5, 20.5))
        s.write()
        folder = process(r, name, s.folder, work + "/" + name + "-page")
        with open(folder + "/report.json", encoding="utf-8") as file:
            one = json.load(file)["structure_sets"][0]
        x, y = np.array(iop[:3]), np.array(iop[3:])
        r.check(one["axes"] == [ends_of(d) for d in (x, y, np.cross(x, y))], name, "axes", one["axes"])
        roi = one["rois"][0]
        r.check(np.allclose(roi["extent_mm"], [10 * 0.9, 16 * 1.5, 9], atol=1e-3), name, "extent", roi["extent_mm"])
        r.check(abs(roi["volume_ml"] - 1.944) < 1e-5 and abs(roi["volume_by_contours_ml"] - 1.944) < 1e-3, name, "volume",
                roi["volume_ml"], roi["volume_by_contours_ml"])
        r.check(roi["last_slice"] - roi["first_slice"] == 2 and not roi["gaps"], name, "slices")


# ---- pictures of compressed images ----

ENCODERS = {"rle": ["dcmcrle"], "jpeg-lossless": ["dcmcjpeg"], "jpeg-ls": ["dcmcjpls"], "jpeg-2000": ["gdcmconv", "--j2k"]}


def tiles_of(folder):
    with open(folder + "/report.html", encoding="utf-8") as file:
        found = re.findall("data:image/jpeg;base64,([^\"]*)", file.read())
    return [cv2.imdecode(np.frombuffer(base64.b64decode(t), np.uint8), cv2.IMREAD_COLOR).astype(int) for t in found]


def tinted(tile):
    """How much of it is redder than blue."""
    return (tile[:, :, 2] - tile[:, :, 0] > 15).mean()


def windowed(r, work, want):
    """CT in a window for soft tissue, whatever its own is; others in their own."""
    for name, modality in (("ct", "CT"), ("mr", "MR")):
        study = work + "/window-" + name
        shutil.copytree(work + "/plain", study)
        for path in glob.glob(study + "/ct/*"):
            ds = pydicom.dcmread(path)
            ds.Modality, ds.WindowCenter, ds.WindowWidth = modality, -5000, 1
            ds.save_as(path)
        got = tiles_of(process(r, name, study, study + "-out"))
        off = [np.abs(a - b).mean() for a, b in zip(got, want)]
        r.check(max(off) < 1 if modality == "CT" else min(off) > 40, name, "in another window differs by", off)


def compressed(r, work):
    """The same pictures, however the images are encoded."""
    run("phantom", work + "/plain", "--slices", "6", "--matrix", "96")
    want = tiles_of(process(r, "plain", work + "/plain", work + "/plain-out"))
    r.check(all(0.02 < tinted(tile) < 0.17 for tile in want), "the body is tinted", [tinted(tile) for tile in want])
    windowed(r, work, want)
    for name, command in ENCODERS.items():
        if not shutil.which(command[0]):
            print("SKIP e2e/report_page: no", command[0])
            continue
        study = work + "/" + name
        shutil.copytree(work + "/plain/rs", study + "/rs")
        os.mkdir(study + "/ct")
        for path in glob.glob(work + "/plain/ct/*"):
            subprocess.run([*command, path, study + "/ct/" + os.path.basename(path)], check=True, capture_output=True)
        got = tiles_of(process(r, name, study, work + "/" + name + "-out"))
        r.check(len(got) == len(want) > 4, name, len(got), "pictures")
        r.check(all(np.abs(a - b).max() <= 2 for a, b in zip(got, want)), name, "is another picture than without compression")


# ---- hostile names ----

HOSTILE = ["<script>document.title='owned'</script>", "\"><img src=x onerror=alert(1)>", "'><svg onload=alert(1)>",
           "</title></style></bdi></table>", "&lt;b&gt;&amp;", "<!--", "-->", "]]>", "<?php", "javascript:alert(1)",
           "a\u202eb\u2066c\u200bd", "\x85\x9f", "x" * 64, "\u05d0\u05d1\u05d2 ROI", "style=\"color:red\"", "`${1}`",
           "<!--netrt:delivery-->", "\U0001f480", "{}", "%3Cscript%3E"]


def escaped(name):
    """As the reports show it."""
    return "".join("".join("\\x%02X" % b for b in c.encode()) if ord(c) < 32 or 0x7f <= ord(c) < 0xa0 or
                   c in "\u200b\u202e\u2066" else c for c in name)


def hostile(r, work):
    template = studies.pydicom.dcmread(sorted(glob.glob(work + "/study/ct/*"))[0])
    pages = {}
    for kind in ("harmless", "hostile"):
        s = studies.Study(r, work, template, kind)
        images = s.images(rows=48, cols=64)
        structures = studies.StructureSet(s, images, charset="ISO_IR 192")
        for i, name in enumerate(HOSTILE):
            structures.roi(name if kind == "hostile" else "ROI%d" % i)
            for k in (1, 2, 5):
                structures.contour(images, k, studies.box(4 + i, 4, 20 + i, 20))
        s.write()
        folder = process(r, kind, s.folder, work + "/" + kind + "-page")
        pages[kind] = (*read(r, kind, folder + "/report.html"), folder)
    text, page, folder = pages["hostile"]
    r.check([t for t, _, _ in page.found] == [t for t, _, _ in pages["harmless"][1].found], "a name made a tag")
    rows = rows_of(text)
    r.check(list(rows) == [escaped(n) for n in HOSTILE], "names", [n for n in map(escaped, HOSTILE) if n not in rows])
    r.check(all(t != "title" or "owned" not in d for t, d in page.texts), "title")
    r.check(text.count("gap") >= len(HOSTILE) and re.search("slices 2&ndash;6,<br> 1 gap: 4&ndash;5", text), "gaps")
    with open(folder + "/report.txt", encoding="utf-8") as file:
        r.check("not on slices 4-5, between 2 and 6" in file.read(), "gaps in report.txt")
    return folder + "/report.html"


# ---- as a browser shows it ----

# Every text on the page, with the contrast to what is behind it (WCAG 2.1, 1.4.3).
CONTRAST = r"""(() => {
  const light = c => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const parse = s => s.match(/[\d.]+/g).map(Number);
  const level = c => 0.2126 * light(c[0]) + 0.7152 * light(c[1]) + 0.0722 * light(c[2]);
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; n = walk.nextNode();) {
    if (!n.data.trim()) continue;
    const e = n.parentElement, s = getComputedStyle(e);
    if (s.visibility !== 'visible' || !e.getClientRects().length) continue;
    let back = [255, 255, 255], at = e;
    for (; at; at = at.parentElement) {
      const c = parse(getComputedStyle(at).backgroundColor);
      if (c.length < 4 || c[3] === 1) { back = c; break; }
    }
    const ink = parse(e.namespaceURI.endsWith('svg') ? s.fill : s.color);
    const a = level(ink), b = level(back);
    found.push([Math.round((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) * 100) / 100, parseFloat(s.fontSize),
                n.data.trim().slice(0, 40)]);
  }
  return found;
})()"""

WIDE = r"""(() => {
  const out = [];
  for (const e of document.querySelectorAll('body *')) {
    const b = e.getBoundingClientRect();
    if (b.right > document.documentElement.clientWidth + 1 && !e.closest('.scroll') && !e.closest('.skip')
        && b.width > 0) out.push([e.tagName, e.className.baseVal ?? e.className, b.right]);
  }
  return [document.documentElement.scrollWidth, document.documentElement.clientWidth, out.slice(0, 5)];
})()"""

VIEWS = [("desk-light", {"width": 1280}), ("desk-dark", {"width": 1280, "dark": True}),
         ("phone-light", {"width": 390, "height": 844, "mobile": True}),
         ("phone-dark", {"width": 390, "height": 844, "mobile": True, "dark": True}),
         ("narrow", {"width": 320, "height": 640, "mobile": True}), ("paper", {"width": 688, "media": "print", "dark": True})]


def check_view(r, b, path, name, options, keep):
    b.open(path, **options)
    r.check(b.ask("document.title.startsWith('Study report')"), name, "title", b.ask("document.title"))
    other = [u for u in b.requests() if not u.startswith("file://" + os.path.abspath(path)) and not u.startswith("data:image/")]
    r.check(not other, name, "requests", other)
    r.check(not b.complaints(), name, "complaints", b.complaints()[:3])
    least = [c for c in b.ask(CONTRAST) if c[0] < 4.5]
    r.check(not least, name, "contrast", sorted(least)[:5])
    sizes = b.ask(CONTRAST)
    r.check(len(sizes) > 50 and min(c[1] for c in sizes) >= (8.5 if name.endswith("paper") else 11), name, "small letters", min(c[1:] for c in sizes))
    wide, window, which = b.ask(WIDE)
    r.check(wide <= window, name, "is", wide, "wide, in", window, which)
    loaded = b.ask("[...document.images].filter(i => !i.complete || i.naturalWidth !== i.width && i.naturalWidth === 0).length")
    r.check(loaded == 0, name, loaded, "pictures are not shown")
    if keep:
        b.picture("%s-%s.png" % (keep, name.split(", ")[-1]))


def check_keyboard(r, b, path):
    """Tab goes through everything that can be used, visibly; what scrolls does so by the arrows."""
    b.open(path, width=390, height=844)
    seen = []
    for _ in range(60):
        b.key("Tab", "Tab", 9)
        seen.append(b.ask("(e => e === document.body ? '' : (e.getAttribute('href') || e.getAttribute('aria-labelledby')) + ' ' "
                          "+ (getComputedStyle(e).outlineStyle !== 'none'))(document.activeElement)"))
        if seen[-1] == "":
            break
    want = b.ask("[...document.querySelectorAll('a[href], [tabindex]')].map(e => (e.getAttribute('href') || "
                 "e.getAttribute('aria-labelledby')) + ' true')")
    r.check(seen[:len(want)] == want, "keyboard:", seen, "not", want)
    b.ask("document.querySelector('.wide').focus()")
    r.check(b.ask("(e => e.scrollWidth > e.clientWidth)(document.activeElement)"), "the table does not scroll on a telephone")
    for _ in range(3):
        b.key("ArrowRight", "ArrowRight", 39)
    moved = wait_for(lambda: b.ask("document.activeElement.scrollLeft") > 20, 5)
    r.check(moved, "the arrows do not scroll the table")
    r.check(b.ask("document.querySelector('.wide th[scope=row]').getBoundingClientRect().left") >= 0, "names scroll away")


def check_spoken(r, b, path, rois, tiles):
    b.open(path)
    spoken = b.spoken()
    roles = [role for role, _ in spoken]
    r.check(roles.count("image") + roles.count("img") >= tiles and all(n for role, n in spoken if role in ("image", "img")),
            "pictures without a name")
    r.check(roles.count("rowheader") >= rois and roles.count("columnheader") >= 9, "headers", roles.count("rowheader"))
    r.check(all(n for role, n in spoken if role in ("heading", "region", "navigation", "link")), "without a name",
            [role for role, n in spoken if not n and role in ("heading", "region", "navigation", "link")])
    r.check({"main", "banner", "contentinfo", "navigation", "table", "list"} <= set(roles), "landmarks", set(roles))


def browser(r, work, nasty):
    if CHROMIUM is None:
        print("SKIP e2e/report_page: chromium is not installed; the page is not looked at")
        return
    keep = "build/e2e/report_page"
    os.makedirs(keep, exist_ok=True)
    run("phantom", work + "/large", "--slices", "60", "--matrix", "256", "--preset", "standard")
    folder = process(r, "browser", work + "/large", work + "/large-out")
    path = folder + "/report.html"
    b = Browser(work + "/profile")
    try:
        for name, options in VIEWS:
            check_view(r, b, path, name, options, keep + "/report")
            check_view(r, b, nasty, "hostile, " + name, options, None)
        r.check(b.ask("window.owned === undefined && !document.querySelector('script, img[onerror]')"), "a script ran")
        b.open(nasty, width=1280)
        b.picture(keep + "/hostile.png")
        check_keyboard(r, b, path)
        check_spoken(r, b, path, 27, 24)
        b.open(path)
        pdf = b.paper(keep + "/report.pdf")
        pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
        r.check(pdf.startswith(b"%PDF") and 2 <= pages <= 12, "printed on", pages, "pages")
    finally:
        b.close()


# ---- the service's ----

def spoil(folder):
    """A study whose structure set has no contours: the service cannot use it."""
    run("phantom", folder, "--slices", "4", "--matrix", "64", "--seed", "6")
    (path,) = glob.glob(folder + "/rs/*")
    d = pydicom.dcmread(path)
    for item in d.ROIContourSequence:
        item.ContourSequence = []
    d.save_as(path)


def objects_of(folder):
    return [Object(p) for p in sorted(glob.glob(folder + "/*/*"))]


def service(r, work):
    need_serve("report_page")
    study = Study(work + "/sent", seed=5, slices=10, matrix=96)
    pacs = Storescp(work + "/pacs")
    s = Service(work + "/service", ("ANY", pacs.port))
    try:
        send(s.port, study.objects)
        wait_for(lambda: glob.glob(s.reports + "/*.html"), 60)
        (path,) = glob.glob(s.reports + "/report_%s_*.html" % study.uid)
        text, page = read(r, "service", path, 10)
        shown = " ".join(d.strip() for _, d in page.texts)
        for words in ("Delivery", "delivered", "127.0.0.1:%d" % pacs.port, "OVERLAY 10 of 10", "Received", "Senders", "ROIs", "waiting for more",
                      "processing"):
            r.check(words in shown, "service: not told:", words)
        if CHROMIUM:
            b = Browser(work + "/profile2")
            try:
                for name, options in VIEWS[:1] + VIEWS[3:4]:
                    check_view(r, b, path, "service, " + name, options, "build/e2e/report_page/service")
            finally:
                b.close()
        with open(path[:-4] + "txt", encoding="utf-8") as file:
            said = re.search(r"Processing successful in ([0-9.]+) seconds", file.read())
        r.check(said and 0 < float(said.group(1)) < 60, "service: processing took", said and said.group(0))
        spoil(work + "/bad")
        bad = objects_of(work + "/bad")
        send(s.port, bad)
        wait_for(lambda: glob.glob(s.reports + "/report_%s_*.html" % study_uid(bad[0])), 60)
        (path,) = glob.glob(s.reports + "/report_%s_*.html" % study_uid(bad[0]))
        text, page = read(r, "quarantine", path, 0)
        shown = " ".join(d.strip() for _, d in page.texts)
        for words in ("In quarantine:", "nothing of its structure set can be used", "not tried", "UID_" + study_uid(bad[0])):
            r.check(words in shown, "quarantine: not told:", words)
        s.end(r, "service")
    finally:
        s.kill()
        pacs.kill()


def main():
    groups = sys.argv[1:] or ["page", "numbers", "hostile", "browser", "service"]
    r = Report("report_page")
    with workspace("report_page") as work:
        numbers(r, work)
        if "page" in groups:
            compressed(r, work)
        nasty = hostile(r, work) if {"hostile", "browser"} & set(groups) else None
        if "browser" in groups:
            browser(r, work, nasty)
        if "service" in groups:
            service(r, work)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
