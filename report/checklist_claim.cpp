// SPDX-License-Identifier: Apache-2.0
// CLAIM's items.
#include "report/checklists.h"

namespace cawe::report {

Checklist claim_checklist() {
  const Answer program = Answer::program, partly = Answer::partly, authors = Answer::authors;
  return {
      "CLAIM, 2024 update",
      "Tejani AS, Klontzas ME, Gatti AA, Mongan JT, Moy L, Park SH, Kahn CE Jr. Checklist for Artificial "
      "Intelligence in "
      "Medical Imaging (CLAIM): 2024 Update. Radiology: Artificial Intelligence 2024;6(4):e240300.",
      {
          {"1", "Title", "that AI is used, and of which kind", authors, ""},
          {"2", "Abstract", "a structured summary: design, data, methods, results, conclusions", authors, ""},
          {"3", "Background", "science, clinic, intended use and role", authors, ""},
          {"4", "Objectives", "aims and hypotheses", authors, ""},
          {"5", "Study design", "prospective or retrospective", authors, ""},
          {"6", "Study goal", "what kind of study it is, and for which use", authors, ""},
          {"7", "Data sources", "where the films come from; links to public sets", partly,
           "paths and formats in `recipe.toml` (`data.root`, `data.format`, `data.labels_csv`, "
           "`data.boxes`), hashes of "
           "the data in `environment.json`"},
          {"8", "Eligibility", "who is in, who is out, how chosen", partly,
           "what the program left out, and why: report.html (Films of each fold), `films_flow.csv`, "
           "warnings; "
           "keys "
           "`data.views`, `data.strict`"},
          {"9", "Preprocessing", "steps from the file to the network's input", program,
           "`recipe.toml`: `image.size`, `image.fit`, `image.color`, `enhance.method` and its keys"},
          {"10", "Subsets of the data", "parts of the data that were chosen, and by whom", partly,
           "`data.train_count`, `data.folds`, `data.split_file`"},
          {"11", "De-identification", "how persons were made unknown", authors, ""},
          {"12", "Missing data", "how handled, what bias that may bring", partly,
           "`data.uncertain`, `data.blank`; films without boxes or with damaged pictures: report.html (Films "
           "of each fold, warnings), `films_flow.csv`"},
          {"13", "Acquisition", "how the films were taken", authors, ""},
          {"14", "Reference standard", "what is true, and how it was found, so that others could repeat it",
           partly,
           "files and classes that count as truth: `data.boxes`, `data.box_class`, `data.label_columns`"},
          {"15", "Its rationale", "why this reference standard", authors, ""},
          {"16", "Annotators", "who they are, their training", authors, ""},
          {"17", "Annotation", "how and with which tools the test set was annotated", authors, ""},
          {"18", "Variability", "within and between annotators; how differences were settled", authors, ""},
          {"19",
           "Partitions",
           "how films came to training, tuning and test; proportions, reasons",
           partly,
           "report.html (split), `split.csv` of each run, `data.split`, `data.test`, `data.val`, "
           "`data.split_seed`, "
           "`data.stratify`, `data.cross_validate`",
           {"split"}},
          {"20", "What keeps them apart", "persons, series or films", program,
           "`data.split_unit`; a test film whose unit trained any model of the chain is refused "
           "(`allow_leak`)"},
          {"21",
           "Intended sample size",
           "how the size of the test set was determined",
           partly,
           "`cawe plan power`: test films, lesions and seeds that a comparison needs, from the variances of "
           "an "
           "earlier "
           "study's `methods.csv`; the difference that 80 of 100 such studies would show, in report.html",
           {"test films", "patients", "groups of films", "lesions"}},
          {"22", "Model", "inputs, layers, outputs", program,
           "`recipe.toml` (`model.depth`, `model.width` and the detector's keys), docs/models, `cawe "
           "inspect`"},
          {"23",
           "Software",
           "libraries, versions, hardware",
           program,
           "`environment.json`, and Provenance in report.html: version, revision, compiler, CPU or GPU, "
           "libraries",
           {"cawe", "revision", "device", "compiler"}},
          {"24", "Start", "initial parameters, transfer learning", program,
           "`init`, `pretrained`, `seed`; hashes of weights in `environment.json`"},
          {"25", "Training", "procedure, augmentation, hyperparameters, convergence", program,
           "`recipe.toml`: `train.steps`, `train.batch`, `train.lr`, `train.optimizer`, `train.augment` and "
           "the others of these "
           "groups; `metrics.csv` of each run"},
          {"26", "Choice of the model", "how the best one was selected", program,
           "`train.select`, `train.eval_every`, `train.patience`; on validation films; without them "
           "(`data.val` of 0, a study's folds) the last step's, chosen by nothing"},
          {"27", "Ensembles", "how outputs are combined", program,
           "none: figures of seeds are averaged, outputs never"},
          {"28",
           "Metrics",
           "how performance is measured, and why so",
           partly,
           "FROC with its rule and a second one, wAFROC, JAFROC, LROC, mean AP, calibration, a threshold "
           "that was "
           "fixed on validation films where a run had some: report.html, `further.csv`, `results.json` of "
           "each run",
           {"FROC rule"}},
          {"29",
           "Uncertainty",
           "intervals, tests",
           program,
           "report.html, `results.json`, `methods.csv`: bootstrap by the films' unit (`data.split_unit`; "
           "`boot.draws`, `boot.seed`); with several "
           "seeds a mixed model of seeds and units, and a verdict from five on; p corrected by Holm",
           {"seeds"}},
          {"30", "Robustness", "sensitivity analyses", partly,
           "control and ablation rows (`controls`, `ablate`), seeds (`seeds`), a row of the plain detector "
           "with other "
           "seeds (`same_system.csv`: how often chance alone is called a difference), the second box rule"},
          {"31", "Explainability", "methods, and how they were validated", partly,
           "attention maps against maps of other films, the centre and a uniform map: tables in "
           "report.html"},
          {"32", "Internal testing", "evaluation on internal data", program,
           "report.html, `results.csv`; validation figures in `metrics.csv`"},
          {"33", "External testing", "evaluation on external data, or why not", partly,
           "`extra` (lesion-free films of another source), `data.test_csv`, `cawe detect` with `cawe "
           "evaluate` on any films"},
          {"34", "Registration", "of a clinical trial", authors, ""},
          {"35",
           "Flow",
           "films and persons included and excluded",
           partly,
           "report.html (Films of each fold, figure Film flow), `films_flow.csv`: found, rejected and why, "
           "without box "
           "annotation, in each fold; `split.csv` of each run",
           {"test films", "patients", "groups of films", "films without a lesion"}},
          {"36", "Demographics", "persons and clinic of each partition", partly,
           "sex, age and view of each fold: report.html (Films of each fold), `films_flow.csv` "
           "(`data.sex_column`, "
           "`data.age_column`, `data.view_column`)"},
          {"37", "Performance", "against the reference standard, in partitions and subgroups", program,
           "report.html (results; subgroups; lesions by size and finding), `results.csv`, `lesions_by.csv`"},
          {"38", "Estimates", "diagnostic accuracy with intervals", program,
           "report.html (results), `results.json`: value and interval of every figure"},
          {"39", "Failures", "what goes wrong, with examples", partly,
           "the viewer of report.html (`panels`), lesions by the map, by size and by finding there, "
           "`detections.csv`"},
          {"40", "Limitations", "of methods, data, generality", authors, ""},
          {"41", "Implications", "for practice, and what stands in the way", authors, ""},
          {"42", "Protocol", "where the whole protocol or further detail is", partly,
           "`recipe.toml`, in report.html too: the study can be run again from it"},
          {"43",
           "Availability",
           "of software, model and data",
           partly,
           "software: Apache-2.0, revision in `environment.json`; checkpoints lie in the runs",
           {"revision"}},
          {"44", "Funding", "sources, and the funders' role", authors, ""},
      }};
}

}  // namespace cawe::report
