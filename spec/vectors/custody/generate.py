#!/usr/bin/env python3
"""Writes the custody vectors from spec/04-custody.md alone; it shares no code with the node. Run it in this folder."""
import copy, hashlib, json

FIELDS = ["exhibit", "sequence", "action", "office", "officer", "at", "zone", "place", "why", "tool", "to", "related",
          "digest_before", "digest_after", "alteration", "previous"]
canonical = lambda link: json.dumps({f: link[f] for f in FIELDS}, separators=(",", ":"), ensure_ascii=False).encode()
text = lambda b: "sha256:" + hashlib.sha256(b).hexdigest()
EXHIBIT, COPY = "0193a8f0-0000-7000-8000-000000000001", "0193a8f0-0000-7000-8000-000000000002"
B, A, C = "XB/evidence-office", "XA/evidence-office", "XC/evidence-office"
CONTENT, CHANGED = text(b"content"), text(b"changed content")


def link(action, office, hour, **more):
    place = {B: "evidence room 2", A: "sala de pruebas n.º 1", C: "room 9"}[office]
    zone = {B: "Africa/Nairobi", A: "America/Lima", C: "UTC"}[office]
    base = dict(exhibit=EXHIBIT, sequence=0, action=action, office=office, officer="n.okafor" if office == B else "r.quispe",
                at=f"2026-11-15T{hour:02}:00:00Z", zone=zone, place=place, why="order 17/2026", tool="imager 3.1", to=None,
                related=None, digest_before=CONTENT, digest_after=None, alteration=None, previous=None)
    return {**base, **more}


def chain(*links):
    out = []
    for n, one in enumerate(copy.deepcopy(links)):
        one["sequence"], one["previous"] = n, text(canonical(out[-1])) if out else None
        out.append(one)
    return out


start = link("acquired", B, 8, digest_before=None, digest_after=CONTENT)
sent = link("sent", B, 10, to=A)
life = [start, link("sealed", B, 9), sent, link("delivered", A, 11), link("received", A, 12), link("opened", A, 13),
        link("verified", A, 14, digest_after=CONTENT), link("copied", A, 15, related=COPY),
        link("disclosed", A, 16, why="access of the defence, order 4/2027"), link("returned", A, 17, to=B),
        link("received", B, 18), link("destroyed", B, 19, why="order 9/2028")]
good = chain(*life)
explained = chain(start, link("opened", B, 9, digest_after=CHANGED, alteration="the telephone wrote its log when switched on"),
                  link("verified", B, 10, digest_before=CHANGED))


def edited(n, **more):
    links = copy.deepcopy(good)
    links[n].update(more)
    return links


held, way = lambda o: {"held": o}, lambda f, t: {"from": f, "to": t}
ok = lambda name, links, ends: dict(name=name, links=links, head=text(canonical(links[-1])), ends=ends)
bad = lambda name, links, at, code: dict(name=name, links=links, at=at, code=code)
cases = [
    ok("a whole life", good, {"destroyed": B}),
    ok("taken in", good[:1], held(B)),
    ok("on its way", good[:3], way(B, A)),
    ok("delivered", good[:4], held(A)),
    ok("an explained alteration", explained, held(B)),
    ok("five minutes back", chain(start, link("opened", B, 8, at="2026-11-15T07:55:00Z")), held(B)),
    ok("came back undelivered", chain(start, sent, link("received", B, 11)), held(B)),
    bad("no link", [], 0, "P-277"),
    bad("begins without acquired", chain(link("received", B, 8)), 0, "P-270"),
    bad("a link taken out", good[:4] + good[5:], 4, "P-261"),
    bad("the first link taken out", good[1:], 0, "P-270"),
    bad("a reason changed", edited(2, why="order 18/2026"), 3, "P-262"),
    bad("an officer changed", edited(0, officer="j.doe"), 1, "P-262"),
    bad("a time changed by a microsecond", edited(4, at="2026-11-15T12:00:00.000001Z"), 5, "P-262"),
    bad("another exhibit", edited(3, exhibit=COPY), 3, "P-260"),
    bad("more than five minutes back", chain(start, link("opened", B, 8, at="2026-11-15T07:54:59.999999Z")), 1, "P-263"),
    bad("found changed", chain(start, link("opened", B, 9, digest_before=CHANGED)), 1, "P-264"),
    bad("left changed", chain(start, link("opened", B, 9, digest_after=CHANGED)), 1, "P-264"),
    bad("an alteration without the digest after", chain(start, link("opened", B, 9, alteration="switched on")), 1, "P-272"),
    bad("opened by another office", chain(start, link("opened", C, 9)), 1, "P-265"),
    bad("opened on its way", chain(start, sent, link("opened", A, 11)), 2, "P-266"),
    bad("received by a stranger", chain(start, sent, link("received", C, 11)), 2, "P-266"),
    bad("received though not sent", chain(start, link("received", B, 9)), 1, "P-267"),
    bad("returned to a stranger", chain(start, link("returned", B, 9, to=C)), 1, "P-268"),
    bad("opened after destruction", chain(*life, link("opened", B, 20)), 12, "P-269"),
    bad("acquired twice", chain(start, link("acquired", B, 9, digest_before=None, digest_after=CONTENT)), 1, "P-271"),
    bad("sent to nobody", chain(start, link("sent", B, 9)), 1, "P-272"),
    bad("opened with an addressee", chain(start, link("opened", B, 9, to=A)), 1, "P-273"),
    bad("two lines of place", chain(start, link("opened", B, 9, place="a\nb")), 1, "P-274"),
    bad("sent to itself", chain(start, link("sent", B, 9, to=B)), 1, "P-275"),
    bad("its own copy", chain(start, link("copied", B, 9, related=EXHIBIT)), 1, "P-276"),
]
with open("chain.json", "w") as f:
    json.dump({"cases": cases}, f, indent=1, ensure_ascii=False)
    f.write("\n")
