"""Survey estimates equal R `survey` 4.1-1 (R 4.2.2) on a small made-up sample, and on the package's own data where these are at hand.

Each number is what R printed with `sprintf("%.16g", …)`; the call stands above it. `h` is the table that `hand_made` builds, and in R
`d <- svydesign(id=~psu, strata=~stratum, weights=~w, fpc=~units, data=h)`.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from impact.errors import EstimationError
from impact.survey.calibration import calibrate, post_stratify
from impact.survey.estimates import by_domain, means, ratio, shares, totals
from impact.survey.intervals import quantiles, share_intervals
from impact.survey.margins import Margin
from impact.survey.raking import Control, rake
from impact.survey.replicates import jackknife, replicated
from impact.survey.sample import Sample, sample_of, within
from impact.survey.scales import reliability
from impact.survey.weights import trim

CLOSE = 1e-12
TYPES = Margin(("g",), (("a",), ("b",), ("c",)), (100, 60, 65))
HALVES = Margin(("h",), (("u",), ("v",)), (130, 95))
TIGHT = Control(epsilon=1e-10, passes=200)


def hand_made() -> pd.DataFrame:
    """Sixty rows in four strata of five clusters of three."""
    i = np.arange(60)
    s, unit = i % 4, (i * 7) % 5
    names = {
        "stratum": [f"s{k}" for k in s],
        "unit": [f"p{k}" for k in unit],
        "psu": [f"s{k}p{u}" for k, u in zip(s, unit, strict=True)],
        "g": [("a", "b", "c")[k] for k in (i * i + 3 * i // 2) % 3],
        "h": [("u", "v")[k] for k in (i * 5 // 3 + s) % 2],
    }
    numbers = {
        "units": np.array([8, 12, 20, 6])[s],
        "y": 40 + 3 * s + (i * i * 13 + 7 * i) % 29 + 0.5 * unit**2,
        "x": 10.0 + (i * 11) % 17 + s,
        "w": 2 + s + (i * 3 % 7) / 4,
        "d": (i * 17) % 10 < 4,
    }
    return pd.DataFrame({"i": i, **names, **numbers})


@pytest.fixture(scope="module")
def sample() -> Sample:
    return sample_of(hand_made(), weight="w", stratum="stratum", unit="psu", population="units")


def agree(estimates, values, errors, close=CLOSE):
    assert_allclose(estimates.values, values, rtol=close)
    assert_allclose(estimates.errors, errors, rtol=close)


def mean_y(sample):
    return means(sample, ("y",))


def total_y(sample):
    return totals(sample, ("y",))


def test_means_their_covariance_intervals_and_design_effects(sample):
    # svymean(~y+x, d, deff=TRUE); vcov; confint; confint(df=degf(d)); deff="replace"
    found = means(sample, ("y", "x"))
    agree(found, [61.49656526005888, 19.87438665358194], [0.7185125289079644, 0.6595716355964049])
    assert_allclose(found.covariance[0, 1], 0.009161635354521368, rtol=1e-10)
    assert_allclose(found.design_effect, [0.5382633021997705, 1.333623078337997], rtol=CLOSE)
    assert_allclose(found.design_effect_replace, [0.4114888247434948, 1.019521470093523], rtol=CLOSE)
    normal, student = found.tidy(degrees_of_freedom=math.inf), found.tidy()
    assert_allclose(normal[["low", "high"]], [[60.08830658095847, 62.90482393915929], [18.58165000258881, 21.16712330457507]], rtol=CLOSE)
    assert_allclose(student[["low", "high"]], [[59.97338674247002, 63.01974377764774], [18.4761572480651, 21.27261605909879]], rtol=CLOSE)
    assert found.degrees_of_freedom == 16


def test_without_population_counts_and_without_units():
    frame = hand_made()
    # svydesign(id=~psu, strata=~stratum, weights=~w); svydesign(id=~1, weights=~w); svydesign(id=~unit, ..., nest=TRUE); fpc = share drawn
    agree(mean_y(sample_of(frame, weight="w", stratum="stratum", unit="psu")), 61.49656526005888, 1.030929337463734)
    agree(mean_y(sample_of(frame, weight="w")), 61.49656526005888, 1.124338331047018)
    agree(mean_y(sample_of(frame, weight="w", stratum="stratum", unit="unit", nest=True)), 61.49656526005888, 1.030929337463734)
    drawn = frame.assign(drawn=5 / frame["units"])
    agree(mean_y(sample_of(drawn, weight="w", stratum="stratum", unit="psu", population="drawn")), 61.49656526005888, 0.7185125289079644)


def test_totals_ratios_and_shares(sample):
    # svytotal(~y+g, d, deff=TRUE); svyratio(~y, ~x, d, deff=TRUE); svymean(~g, d)
    agree(total_y(sample), 15666.25, 208.5471655223245)
    assert_allclose(total_y(sample).design_effect, 0.6987249932298559, rtol=CLOSE)
    counted = shares(sample, "g", counts=True)
    agree(counted, [36.5, 124, 94.25], [1.365020604240097, 1.770710780072982, 1.223681262965701])
    assert_allclose(counted.design_effect, [0.01805178011670929, 0.01492521575276458, 0.007639570845542169], rtol=CLOSE)
    found = ratio(sample, "y", "x")
    agree(found, 3.094262295081967, 0.1082061807106239)
    assert_allclose(found.design_effect, 1.260505617663393, rtol=CLOSE)
    part = [0.004853842267923436, 0.005856107262853135, 0.004875159268268569]
    agree(shares(sample, "g"), [0.1432777232580962, 0.4867517173699706, 0.3699705593719333], part)


def test_domains_and_the_covariance_between_them(sample):
    # svyby(~y, ~g, d, svymean, covmat=TRUE); svyby(~y, ~g, d, svytotal); svymean(~y, subset(d, d==1))
    found = by_domain(sample, "g", mean_y)
    agree(found, [61.23972602739726, 60.00201612903226, 63.56233421750663], [1.983798521219663, 0.8386118741172347, 1.205004594511683])
    assert_allclose(found.covariance[0], [3.935456572793321, 0.5942206462176078, 0], rtol=CLOSE, atol=CLOSE)
    agree(by_domain(sample, "g", total_y), [2235.25, 7440.25, 5990.75], [101.1145795774526, 138.399118785956, 152.9218656870506])
    agree(mean_y(within(sample, sample.frame["d"])), 60.69926650366748, 1.024832417956776)


def test_quantiles_have_woodruff_intervals(sample):
    # svyquantile(~y, d, c(.1, .25, .5, .9)); qrule="school"; svyquantile(~y, subset(d, d==1), .5)
    found = quantiles(sample, "y", (0.1, 0.25, 0.5, 0.9))
    assert found["estimate"].tolist() == [47.5, 57, 62, 73.5]
    assert found[["low", "high"]].to_numpy().tolist() == [[44.5, 53], [56.5, 58.5], [61, 65], [70, 77]]
    assert_allclose(found["std_error"], [2.00480653619821370, 0.47171918498781495, 0.94343836997562991, 1.65101714745735229], rtol=CLOSE)
    assert quantiles(sample, "y", (0.25, 0.5), rule="school")["estimate"].tolist() == [57, 62]
    part = quantiles(within(sample, sample.frame["d"]), "y").iloc[0]
    assert (part["estimate"], part["low"], part["high"]) == (61.5, 60, 66)
    assert_allclose(part["std_error"], 1.0805183918038532, rtol=CLOSE)


def test_a_share_has_an_interval_on_the_scale_of_log_odds(sample):
    # svyciprop(~I(g == "a"), d, method="xlogit")
    found = share_intervals(shares(sample, "g")).iloc[0]
    assert_allclose(
        found[["estimate", "low", "high"]].astype(float), [0.1432777232580962, 0.1332924719666531, 0.1538781873657421], rtol=CLOSE
    )


def test_raking_with_the_defaults_of_r(sample):
    # rk <- rake(d, list(~g, ~h), list(pg, ph)); pg: a 100, b 60, c 65; ph: u 130, v 95
    raked = rake(sample, (TYPES, HALVES)).sample
    first = [5.417397236280535, 0.908149892558597, 5.963578574329983, 1.25580292656611, 0.7420653656981558, 3.737619475723071]
    assert_allclose(raked.weights[:6], first, rtol=CLOSE)
    found = means(raked, ("y", "x"))
    agree(found, [61.8180634036206, 19.74677486443388], [1.103115678668637, 0.7861239642368807])
    assert_allclose(found.design_effect, [1.080791745507024, 1.788911363675682], rtol=CLOSE)
    agree(total_y(raked), 13909.06426581463, 248.2010277004328)
    agree(ratio(raked, "y", "x"), 3.13053973765416, 0.1598201493441321)
    by_type = [61.23972602739726, 59.79726692612496, 64.54559801547397], [1.971644896229712, 0.9918030307496646, 1.360561243821752]
    agree(by_domain(raked, "g", mean_y), *by_type)
    agree(mean_y(within(raked, raked.frame["d"])), 60.55226517839662, 1.749249570537377)


def test_raking_to_the_end(sample):
    # rk2 <- rake(..., control=list(maxit=200, epsilon=1e-10)); svymean; svyby(svytotal); svyquantile
    raked = rake(sample, (TYPES, HALVES), control=TIGHT).sample
    agree(means(raked, ("y", "x")), [61.81366989191229, 19.74543703614458], [1.111692505659335, 0.7909303339386401])
    by_type = [6123.972601072038, 3587.552416817323, 4196.550707790905], [197.1644895692793, 60.15431468190839, 88.77586490083877]
    agree(by_domain(raked, "g", total_y), *by_type)
    assert_allclose(quantiles(raked, "y")[["estimate", "low", "high", "std_error"]], [[62, 60.5, 65, 1.0613681662225836]], rtol=CLOSE)


def test_post_stratification(sample):
    # ps <- postStratify(d, ~g, pg); svymean; svytotal; svyby(~y, ~h, ps, svymean)
    known = post_stratify(sample, TYPES)
    agree(mean_y(known), 61.58064575386486, 1.04079712183374)
    agree(total_y(known), 13855.64529461959, 234.1793524125912)
    agree(by_domain(known, "h", mean_y), [61.13289766456357, 63.11871676807542], [1.235167241035951, 1.127306252834861])


def test_linear_calibration(sample):
    # ca <- calibrate(d, ~g+x, c(`(Intercept)`=225, gb=60, gc=65, x=4300)); svymean; svytotal; svymean(subset(d == 1))
    auxiliary = sample.frame.assign(one=1.0, b=(sample.frame["g"] == "b") * 1.0, c=(sample.frame["g"] == "c") * 1.0)
    known = calibrate(replace(sample, frame=auxiliary), {"one": 225, "b": 60, "c": 65, "x": 4300})
    first = [6.085129925059237, 2.370642478643412, 3.099910691409244, 1.116120087102389, 1.538705432923768, 2.738363424642182]
    assert_allclose(known.weights[:6], first, rtol=CLOSE)
    agree(mean_y(known), 61.41597601285749, 1.146385314183863)
    agree(total_y(known), 13818.59460289294, 257.9366956913694)
    agree(mean_y(within(known, known.frame["d"])), 60.6508316951447, 1.451084963412695)


def test_trimming(sample):
    # trimWeights(rk2, upper=5, lower=2.5, strict=TRUE); trimWeights(d, upper=5, lower=2.5); and raked after the trimming
    cut = trim(rake(sample, (TYPES, HALVES), control=TIGHT).sample, 2.5, 5)
    assert_allclose(cut.weights[:6], [5, 2.62758764167317, 5, 2.62758764167317, 2.62758764167317, 4.973354480806989], rtol=CLOSE)
    agree(mean_y(cut), 60.52155767545589, 0.9091092461183494)
    loose = trim(sample, 2.5, 5, strict=False).weights
    assert_allclose(loose[:6], [2.5, 4.047297297297297, 5, 5, 3.547297297297298, 3.547297297297298], rtol=CLOSE)
    assert_allclose(loose[6], 5.297297297297297, rtol=CLOSE)
    agree(mean_y(rake(trim(sample, 2.5, 5), (TYPES, HALVES)).sample), 61.31583699332143, 1.157061472693394)


def test_the_jackknife(sample):
    # jk <- as.svrepdesign(d): JKn; rake(jk, ..., control=list(maxit=200, epsilon=1e-12)); as.svrepdesign(svydesign(id=~psu, weights=~w)): JK1
    kept = jackknife(sample)
    values, covariance = replicated(sample, kept, lambda some: means(some, ("y", "x")).values)
    assert_allclose(values, [61.49656526005888, 19.87438665358194], rtol=CLOSE)
    assert_allclose(np.sqrt(np.diag(covariance)), [0.718859813969249, 0.6599517974663619], rtol=CLOSE)
    for statistic, error in ((total_y, 208.5471655223245), (lambda some: ratio(some, "y", "x"), 0.1085685003047674)):
        assert_allclose(replicated(sample, kept, lambda some, ask=statistic: ask(some).values)[1], [[error**2]], rtol=1e-10)
    control = Control(epsilon=1e-12, passes=200)
    raked = replicated(sample, kept, lambda some: mean_y(rake(some, (TYPES, HALVES), control=control).sample).values)
    assert_allclose(np.sqrt(raked[1]), [[1.098822128519188]], rtol=1e-8)
    plain = sample_of(sample.frame, weight="w", unit="psu")
    assert_allclose(np.sqrt(replicated(plain, jackknife(plain), lambda some: mean_y(some).values)[1]), [[1.308994952884074]], rtol=CLOSE)


@pytest.mark.parametrize(
    ("lonely", "of_mean", "of_total", "of_halves"),
    [
        ("remove", 1.126178894290478, 505.5108321182534, [1.17364773038541, 1.960150075475745]),
        ("adjust", 1.154915467359886, 651.7442688769031, [1.216014974340148, 1.964784290330747]),
        ("average", 1.300399375548565, 583.7136300034906, [1.355211666143619, 2.263386347455973]),
    ],
)
def test_lonely_units(lonely, of_mean, of_total, of_halves):
    # h$stratum: s3 joined to s2, cluster s0p1 alone in s9; options(survey.lonely.psu=...)
    frame = hand_made()
    frame["stratum"] = frame["stratum"].replace("s3", "s2").where(frame["psu"] != "s0p1", "s9")
    alone = sample_of(frame, weight="w", stratum="stratum", unit="psu", lonely=lonely)
    agree(mean_y(alone), 61.49656526005888, of_mean)
    agree(total_y(alone), 15666.25, of_total)
    agree(by_domain(alone, "h", mean_y), [60.91838235294118, 62.65634218289085], of_halves)
    with pytest.raises(EstimationError, match="one sampled unit"):
        mean_y(replace(alone, lonely="fail"))


def test_two_stages():
    # svydesign(id=~psu+i, strata=~stratum, fpc=~units+rows2), rows2 = 9: weights from the counts
    two = sample_of(hand_made().assign(rows2=9), stratum="stratum", unit=("psu", "i"), population=("units", "rows2"))
    assert_allclose(two.weights[:4], [4.8, 7.2, 12, 3.6], rtol=CLOSE)
    agree(mean_y(two), 60.31014492753623, 1.095014176003523)
    agree(total_y(two), 24968.4, 453.3358688654582)
    by_type = [62.08571428571429, 59.28648648648649, 61.03333333333334], [2.943513606525008, 1.160466492200516, 2.234312020681382]
    agree(by_domain(two, "g", mean_y), *by_type)


def test_missing_answers_are_a_domain(sample):
    # h$y[c(3, 10, 31)] <- NA; svymean(na.rm=TRUE), before and after raking
    gaps = replace(sample, frame=sample.frame.assign(y=sample.frame["y"].mask(sample.frame["i"].isin([2, 9, 30]))))
    found = means(gaps, ("y",), missing="drop")
    agree(found, 61.38140020898642, 0.757181107367081)
    assert (found.rows, found.missing) == ((57,), (3,))
    raked = rake(gaps, (TYPES, HALVES)).sample
    agree(means(raked, ("y",), missing="drop"), 61.50759281840753, 1.189161865650215)
    agree(totals(raked, ("y",), missing="drop"), 12492.8750758345, 746.5906531211564)


def test_weighted_alpha(sample):
    # svycralpha(~y+x+w, d)
    found = reliability(sample.frame[["y", "x", "w"]], bounds=(0, 100), weights=sample.weights)
    assert_allclose(found.alpha, 0.2516842609022323, rtol=CLOSE)


def schools(reference, name) -> pd.DataFrame:
    file = reference / "data" / f"{name}.csv"
    if not file.is_file():
        pytest.skip(f"{name} of R `survey` is not here (its table written as {name}.csv)")
    return pd.read_csv(file)


def test_californian_schools_by_stratum(reference):
    # svydesign(id=~1, strata=~stype, weights=~pw, data=apistrat, fpc=~fpc)
    strat = sample_of(schools(reference, "apistrat"), weight="pw", stratum="stype", population="fpc")
    agree(means(strat, ("api00",)), 662.2873631593208, 9.40894080278458)
    agree(totals(strat, ("enroll",)), 3687177.532438278, 114641.7161007803)
    agree(ratio(strat, "api00", "api99"), 1.052260546218249, 0.003643922230843469)


def test_californian_schools_by_district(reference):
    # svydesign(id=~dnum, weights=~pw, data=apiclus1, fpc=~fpc), as it is, raked and post-stratified with the totals of ?rake
    clus1 = sample_of(schools(reference, "apiclus1"), weight="pw", unit="dnum", population="fpc")
    types = Margin(("stype",), (("E",), ("H",), ("M",)), (4421, 755, 1018))
    wide = Margin(("sch.wide",), (("No",), ("Yes",)), (1072, 5122))
    agree(means(clus1, ("api00",)), 644.1693989071039, 23.54224069378104)
    agree(totals(clus1, ("enroll",)), 3404940.134529114, 932235.0270412152)
    by_type = [648.8680555555555, 618.5714285714286, 631.4400000000001], [22.36240889383189, 38.02024935940753, 31.60946522724553]
    agree(by_domain(clus1, "stype", lambda some: means(some, ("api00",))), *by_type)
    raked = rake(clus1, (types, wide)).sample
    agree(means(raked, ("api00",)), 641.2302468622088, 23.70364124023768)
    agree(totals(raked, ("enroll",)), 3647300.031314311, 400602.7197336193)
    agree(totals(post_stratify(clus1, types), ("enroll",)), 3680892.945119048, 406292.6362948024)


def test_californian_schools_in_two_stages(reference):
    # svydesign(id=~dnum+snum, fpc=~fpc1+fpc2, data=apiclus2); enrolment is missing in some schools
    clus2 = sample_of(schools(reference, "apiclus2"), unit=("dnum", "snum"), population=("fpc1", "fpc2"))
    agree(means(clus2, ("api00",)), 670.8118081180812, 30.0990273768366)
    agree(totals(clus2, ("enroll",), missing="drop"), 2639272.93, 799637.7736483578)
