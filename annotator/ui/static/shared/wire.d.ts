// What crosses the wire between the work screens and the server functions of annotator/ui.

export type Decision = 'present' | 'absent';
export type State = Decision | 'unsure' | 'cleared';
export type Source = 'human' | 'accepted' | 'accepted_in_bulk' | 'rejected' | 'swept' | 'imported' | 'review';
export type Mode = 'confirm' | 'sweep' | 'uncertain' | 'like';

// Objects with an id as key: JSON has no numbers there.
export type ById<T> = Record<string, T>;

export interface Category {
  id: number;
  name: string;
  supercategory: string;
  ordinal: number;
  aliases: string[];
  description: string;
  key: string;
}

// The categories that have the same state as another one where that is present, or absent.
export type Implies = Record<Decision, number[]>;

export interface Project {
  name: string;
  description: string;
  key: string;
  ancestors: string[];
}

export interface Start {
  annotator: string;
  said: string;
  former: string[];
  project: Project;
  categories: Category[];
  implies: ById<Implies>;
  version: number | null;
  total: number;
  resume: number | null;
  features: boolean;
}

export interface VerifyStart extends Start {
  counts: ById<CategoryCounts>;
  agreement: Agreement;
}

export interface ReviewStart extends Start {
  reviewer: boolean;
  annotators: { id: number; name: string }[];
  sources: Source[];
  versions: number[];
  flagged: number;
}

export interface Label {
  state: Decision | null;
  answer: number | null;
  source: string;
  by: string;
  mine: boolean;
  conflict: boolean;
}

export interface Fill { state: Decision; certificate: number }

export interface Flag { id: number; note: string; by: string }

export interface Opinion {
  version: number | null;
  scores: ById<number>;
  ranked: number[];
  suggested: number[];
  rankings?: number;
}

export interface ItemData extends Opinion {
  id: number;
  name: string;
  width: number;
  height: number;
  problem: string | null;
  labels: ById<Label>;
  unsure: number[];
  filled: ById<Fill>;
  flags: Flag[];
  ask: number[];
}

// One answer of an operation, as the page sends it.
export interface Change {
  image?: number;
  category: number;
  state: State;
  source: Source;
  score: number | null;
  seen: number | null;
  after: string | null;
}

// What an operation has left of the pairs that it touched: of each image the labels by category.
export type Touched = ById<ById<Label | null>>;

export interface Saved {
  op: string;
  images: Touched;
  late?: [number, number][];
  left_out?: [number, string][];
  opinion?: Opinion;
  agreement?: Agreement;
}

export interface TakenBack {
  op: string;
  nothing: boolean;
  image: number | null;
  images: Touched;
}

export interface HistoryRow {
  by: string;
  state: State;
  source: Source;
  at: string;
  late: boolean;
  cancelled: boolean;
  score: number | null;
  version: number | null;
}

// On the Review page, where the server puts it into sentences.
export interface HistorySentence {
  at: string;
  state: State;
  text: string;
  remark: string;
  undone: string | null;
  late: boolean;
  stands: boolean;
}

export interface FoundImage { id: number; number: number; name: string }

export interface Trainer {
  state: string;
  stage: string | null;
  message: string | null;
  loss: number | null;
  worker_alive: boolean;
  done: number;
  total: number;
}

export interface ProjectState {
  trainer: Trainer;
  version: number | null;
  images: number;
  answered: number;
  filled: number;
  open: number;
  suggestions: number;
  suggestions_about: boolean;
}

export interface EvidenceReason { text: string; near: string | null; for: boolean; share: number; base: number }

export interface EvidenceMap { text: string; rows?: number; columns?: number; values?: number[] }

export interface Evidence {
  pending: boolean;
  where: EvidenceMap;
  because: { reasons: EvidenceReason[]; near: string | null; text: string; moved: string };
  alike: { id: number; name: string }[];
  unlike: { id: number; name: string }[];
  similar: string;
}

export interface ProbeCategory { name: string; description: string; supercategory: string; examples: number[] }

export interface ProbeQuestion {
  probe: number;
  image: number;
  category: ProbeCategory;
  said: State | null;
  problem: string | null;
}

export interface ProbeReport {
  answered: number;
  waiting: number;
  people: { name: string; answered: number }[];
  every: number | null;
}

export interface CategoryCounts {
  open: number;
  present: number;
  suggested: number | null;
  uncertain: number | null;
  taught: boolean;
  calibrated: boolean;
}

// How many of the last attention checks this annotator noticed.
export interface Agreement { checks: number; found: number; most: number }

export interface GridItem {
  id: number;
  name: string;
  width: number;
  height: number;
  guess: Decision | null;
  score: number | null;
}

export interface GridPage {
  category: number;
  mode: Mode;
  version: number | null;
  basis: string;
  bulk: boolean;
  elsewhere: number;
  gone: number[];
  items: GridItem[];
}

export interface ReviewOpinion { by: string; mine: boolean; state: State; source: Source; rank: number }

export interface ReviewRow {
  image: number;
  category: number | null;
  name: string;
  state: Decision | null;
  answer: number | null;
  source: Source | '';
  by: string;
  mine: boolean;
  conflict: boolean;
  score: number | null;
  ranked: boolean;
  disagreement: number;
  opinions: ReviewOpinion[];
  flags: Flag[];
}

export interface ReviewFound {
  pairs: ReviewRow[];
  next: [number, number, number] | null;
  total: number;
  conflicts: number;
  flagged: number;
  version: number | null;
}

export interface Replies {
  start: Start;
  state: ProjectState;
  next_images: { images: number[]; done: boolean };
  items: { items: ItemData[] };
  save: Saved;
  undo: TakenBack;
  redo: TakenBack;
  visit: {};
  find_images: { images: FoundImage[] };
  history: { answers: HistoryRow[] } | { answers: HistorySentence[] };
  set_hotkey: { keys: ById<string> };
  flag: { image: number; flags: Flag[] };
  resolve_flag: { image: number; flags: Flag[] };
  evidence: Evidence;
  probe_due: { due: boolean };
  probe_card: { card: string; questions: ProbeQuestion[] };
  probe_answer: { probe: number; late: boolean };
  probe_report: ProbeReport;
  counts: { counts: ById<CategoryCounts> };
  next_page: GridPage;
  search: ReviewFound;
  rows: { pairs: ReviewRow[] };
}

export interface Failure {
  ok: false;
  message?: string;
  // Nothing was changed, and asking again would not help.
  refused?: boolean;
  need_name?: boolean;
  other_name?: boolean;
  set_back?: boolean;
  // Try later; with `failed` the program failed on this request, which it may do every time.
  again?: boolean;
  failed?: boolean;
  // No answer came; with `slow` none within the time, with `other_project` from another project.
  away?: boolean;
  slow?: boolean;
  other_project?: string;
}

type Absent<T> = { [Name in Exclude<keyof Failure, 'ok' | keyof T>]?: undefined };

export type Reply<T> = (T & { ok: true } & Absent<T>) | Failure;
