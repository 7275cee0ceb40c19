-- A database of revision 0009, as iterdump of sqlite3 writes it.
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0009');
CREATE TABLE annotator (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	folded TEXT NOT NULL, 
	reviewer BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_annotator PRIMARY KEY (id), 
	CONSTRAINT uq_annotator_folded UNIQUE (folded)
);
INSERT INTO "annotator" VALUES(1,'ann','ann',0,1767268800000000);
INSERT INTO "annotator" VALUES(2,'bob','bob',0,1767268800000000);
INSERT INTO "annotator" VALUES(3,'chief','chief',1,1767268800000000);
CREATE TABLE answer (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	operation_id INTEGER NOT NULL, 
	image_id INTEGER NOT NULL, 
	category_id INTEGER NOT NULL, 
	state SMALLINT NOT NULL, 
	source SMALLINT NOT NULL, 
	score SMALLINT, 
	late BOOLEAN NOT NULL, 
	CONSTRAINT fk_answer_category_id_category FOREIGN KEY(category_id) REFERENCES category (id), 
	CONSTRAINT fk_answer_image_id_image FOREIGN KEY(image_id) REFERENCES image (id), 
	CONSTRAINT fk_answer_operation_id_operation FOREIGN KEY(operation_id) REFERENCES operation (id)
);
INSERT INTO "answer" VALUES(1,1,1,1,1,1,8750,0);
INSERT INTO "answer" VALUES(2,2,1,2,1,0,NULL,0);
INSERT INTO "answer" VALUES(3,3,1,2,0,0,NULL,0);
INSERT INTO "answer" VALUES(4,4,2,1,0,5,NULL,0);
INSERT INTO "answer" VALUES(5,5,2,2,2,0,NULL,0);
INSERT INTO "answer" VALUES(6,6,1,2,1,0,NULL,0);
CREATE TABLE attention_check (
	answer_id INTEGER NOT NULL, 
	expected SMALLINT NOT NULL, 
	CONSTRAINT pk_attention_check PRIMARY KEY (answer_id), 
	CONSTRAINT fk_attention_check_answer_id_answer FOREIGN KEY(answer_id) REFERENCES answer (id)
);
INSERT INTO "attention_check" VALUES(1,0);
CREATE TABLE bookmark (
	annotator_id INTEGER NOT NULL, 
	image_id INTEGER NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_bookmark PRIMARY KEY (annotator_id, image_id), 
	CONSTRAINT fk_bookmark_annotator_id_annotator FOREIGN KEY(annotator_id) REFERENCES annotator (id), 
	CONSTRAINT fk_bookmark_image_id_image FOREIGN KEY(image_id) REFERENCES image (id)
)
 WITHOUT ROWID

;
INSERT INTO "bookmark" VALUES(1,1,1767268800000000);
CREATE TABLE category (
	id INTEGER NOT NULL, 
	ordinal INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	folded TEXT NOT NULL, 
	supercategory TEXT NOT NULL, 
	archived BOOLEAN NOT NULL, 
	coco_id BIGINT, 
	extra JSON NOT NULL, 
	present_count INTEGER NOT NULL, 
	absent_count INTEGER NOT NULL, description TEXT DEFAULT '' NOT NULL, hotkey VARCHAR(8), position INTEGER, merged_into INTEGER, merged_after INTEGER, 
	CONSTRAINT pk_category PRIMARY KEY (id), 
	CONSTRAINT uq_category_folded UNIQUE (folded), 
	CONSTRAINT uq_category_ordinal UNIQUE (ordinal)
);
INSERT INTO "category" VALUES(1,0,'cat','cat','animal',0,17,'{"color": "red"}',1,0,'a small lion','c',2,NULL,NULL);
INSERT INTO "category" VALUES(2,1,'dog','dog','',1,NULL,'{}',0,0,'',NULL,NULL,1,3);
CREATE TABLE category_alias (
	id INTEGER NOT NULL, 
	category_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	folded TEXT NOT NULL, 
	CONSTRAINT pk_category_alias PRIMARY KEY (id), 
	CONSTRAINT fk_category_alias_category_id_category FOREIGN KEY(category_id) REFERENCES category (id), 
	CONSTRAINT uq_category_alias_folded UNIQUE (folded)
);
INSERT INTO "category_alias" VALUES(1,1,'kitten','kitten');
CREATE TABLE category_example (
	category_id INTEGER NOT NULL, 
	image_id INTEGER NOT NULL, 
	CONSTRAINT pk_category_example PRIMARY KEY (category_id, image_id), 
	CONSTRAINT fk_category_example_category_id_category FOREIGN KEY(category_id) REFERENCES category (id), 
	CONSTRAINT fk_category_example_image_id_image FOREIGN KEY(image_id) REFERENCES image (id)
)
 WITHOUT ROWID

;
INSERT INTO "category_example" VALUES(1,1);
CREATE TABLE certificate (
	id INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	"plan" JSON NOT NULL, 
	bitmap_path TEXT, 
	created_at BIGINT NOT NULL, 
	applied_at BIGINT, 
	rolled_back_at BIGINT, 
	CONSTRAINT pk_certificate PRIMARY KEY (id)
);
CREATE TABLE flag (
	id INTEGER NOT NULL, 
	image_id INTEGER NOT NULL, 
	category_id INTEGER, 
	annotator_id INTEGER NOT NULL, 
	note TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	resolved_at BIGINT, 
	CONSTRAINT pk_flag PRIMARY KEY (id), 
	CONSTRAINT fk_flag_annotator_id_annotator FOREIGN KEY(annotator_id) REFERENCES annotator (id), 
	CONSTRAINT fk_flag_category_id_category FOREIGN KEY(category_id) REFERENCES category (id), 
	CONSTRAINT fk_flag_image_id_image FOREIGN KEY(image_id) REFERENCES image (id)
);
CREATE TABLE hotkey (
	annotator_id INTEGER NOT NULL, 
	category_id INTEGER NOT NULL, 
	"key" VARCHAR(8) NOT NULL, 
	CONSTRAINT pk_hotkey PRIMARY KEY (annotator_id, category_id), 
	CONSTRAINT fk_hotkey_annotator_id_annotator FOREIGN KEY(annotator_id) REFERENCES annotator (id), 
	CONSTRAINT fk_hotkey_category_id_category FOREIGN KEY(category_id) REFERENCES category (id)
)
 WITHOUT ROWID

;
INSERT INTO "hotkey" VALUES(1,1,'k');
CREATE TABLE image (
	id INTEGER NOT NULL, 
	ordinal INTEGER NOT NULL, 
	content_hash VARCHAR(64) NOT NULL, 
	fold INTEGER NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	format VARCHAR(20) NOT NULL, 
	missing BOOLEAN NOT NULL, 
	known_count INTEGER NOT NULL, removed BOOLEAN DEFAULT 0 NOT NULL, same_as INTEGER, last_path_id INTEGER, missing_since INTEGER, 
	CONSTRAINT pk_image PRIMARY KEY (id), 
	CONSTRAINT uq_image_content_hash UNIQUE (content_hash), 
	CONSTRAINT uq_image_ordinal UNIQUE (ordinal)
);
INSERT INTO "image" VALUES(1,0,'1111111111111111111111111111111111111111111111111111111111111111',1,40,30,'PNG',0,1,0,NULL,NULL,NULL);
INSERT INTO "image" VALUES(2,1,'2222222222222222222222222222222222222222222222222222222222222222',2,50,30,'JPEG',1,0,0,NULL,NULL,2);
INSERT INTO "image" VALUES(3,2,'3333333333333333333333333333333333333333333333333333333333333333',3,40,30,'JPEG',1,0,0,1,3,NULL);
CREATE TABLE image_path (
	id INTEGER NOT NULL, 
	image_id INTEGER, 
	root TEXT NOT NULL, 
	path TEXT NOT NULL, 
	coco_id BIGINT, 
	extra JSON NOT NULL, 
	problem TEXT, 
	size BIGINT NOT NULL, 
	modified_ns BIGINT NOT NULL, own_image_id INTEGER, 
	CONSTRAINT pk_image_path PRIMARY KEY (id), 
	CONSTRAINT fk_image_path_image_id_image FOREIGN KEY(image_id) REFERENCES image (id), 
	CONSTRAINT uq_image_path_root_path UNIQUE (root, path)
);
INSERT INTO "image_path" VALUES(1,1,'pictures','1.png',139,'{"license": 2}',NULL,100,1,NULL);
INSERT INTO "image_path" VALUES(2,2,'pictures','2.png',NULL,'{}',NULL,-1,0,NULL);
INSERT INTO "image_path" VALUES(3,1,'pictures','copy/1.png',NULL,'{}',NULL,100,3,3);
INSERT INTO "image_path" VALUES(4,NULL,'pictures','3.png',NULL,'{}','not a picture',3,3,NULL);
CREATE TABLE imported_annotation (
	id INTEGER NOT NULL, 
	path_id INTEGER NOT NULL, 
	category_id INTEGER NOT NULL, 
	coco_id BIGINT, 
	body JSON NOT NULL, 
	CONSTRAINT pk_imported_annotation PRIMARY KEY (id), 
	CONSTRAINT fk_imported_annotation_category_id_category FOREIGN KEY(category_id) REFERENCES category (id), 
	CONSTRAINT fk_imported_annotation_path_id_image_path FOREIGN KEY(path_id) REFERENCES image_path (id)
);
INSERT INTO "imported_annotation" VALUES(1,1,1,5,'{"bbox": [1, 2, 3, 4]}');
CREATE TABLE job (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	kind VARCHAR(20) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	options JSON NOT NULL, 
	progress JSON NOT NULL, 
	message TEXT NOT NULL, 
	token VARCHAR(36), 
	worker TEXT, 
	cancel_requested BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	started_at BIGINT, 
	heartbeat_at BIGINT, 
	finished_at BIGINT
, lost_workers INTEGER DEFAULT '0' NOT NULL);
INSERT INTO "job" VALUES(1,'train','done','{"method": "hst"}','{}','version 1',NULL,'desktop-1',0,1767268800000000,1767268800000000,1767268800000000,1767268800000000,0);
CREATE TABLE label (
	image_id INTEGER NOT NULL, 
	category_id INTEGER NOT NULL, 
	state SMALLINT, 
	source SMALLINT NOT NULL, 
	answer_id INTEGER NOT NULL, 
	"conflict" BOOLEAN NOT NULL, 
	CONSTRAINT pk_label PRIMARY KEY (image_id, category_id), 
	CONSTRAINT fk_label_answer_id_answer FOREIGN KEY(answer_id) REFERENCES answer (id), 
	CONSTRAINT fk_label_category_id_category FOREIGN KEY(category_id) REFERENCES category (id), 
	CONSTRAINT fk_label_image_id_image FOREIGN KEY(image_id) REFERENCES image (id)
)
 WITHOUT ROWID

;
INSERT INTO "label" VALUES(1,1,1,1,1,0);
INSERT INTO "label" VALUES(1,2,NULL,0,3,1);
CREATE TABLE lease (
	kind VARCHAR(20) NOT NULL, 
	"key" INTEGER NOT NULL, 
	holder TEXT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_lease PRIMARY KEY (kind, "key")
)
 WITHOUT ROWID

;
INSERT INTO "lease" VALUES('image',2,'tab',1767269400000000);
CREATE TABLE operation (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	client_id VARCHAR(64) NOT NULL, 
	annotator_id INTEGER NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	happened_at BIGINT NOT NULL, 
	recorded_at BIGINT NOT NULL, 
	decision_ms INTEGER, 
	version INTEGER, 
	cancels INTEGER, 
	target INTEGER, 
	cancelled BOOLEAN NOT NULL, step VARCHAR(64), 
	CONSTRAINT fk_operation_annotator_id_annotator FOREIGN KEY(annotator_id) REFERENCES annotator (id), 
	CONSTRAINT fk_operation_cancels_operation FOREIGN KEY(cancels) REFERENCES operation (id), 
	CONSTRAINT fk_operation_target_operation FOREIGN KEY(target) REFERENCES operation (id), 
	CONSTRAINT uq_operation_client_id UNIQUE (client_id)
);
INSERT INTO "operation" VALUES(1,'a-1',1,'answer',1767268800000000,1767268800000000,800,NULL,NULL,NULL,0,NULL);
INSERT INTO "operation" VALUES(2,'a-2',1,'answer',1767268800000000,1767268800000000,800,NULL,NULL,NULL,0,'s-1');
INSERT INTO "operation" VALUES(3,'b-1',2,'answer',1767268800000000,1767268800000000,800,NULL,NULL,NULL,0,NULL);
INSERT INTO "operation" VALUES(4,'i-1',2,'import',1767268800000000,1767268800000000,800,NULL,NULL,NULL,0,NULL);
INSERT INTO "operation" VALUES(5,'a-3',1,'answer',1767268800000000,1767268800000000,800,NULL,NULL,NULL,0,'s-1');
INSERT INTO "operation" VALUES(6,'b-2',2,'answer',1767268800000000,1767268800000000,800,NULL,NULL,NULL,1,NULL);
INSERT INTO "operation" VALUES(7,'b-3',2,'undo',1767268800000000,1767268800000000,NULL,NULL,6,6,0,NULL);
CREATE TABLE predictor (
	id INTEGER NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	version VARCHAR(64) NOT NULL, 
	options JSON NOT NULL, 
	report JSON NOT NULL, 
	trusted BOOLEAN NOT NULL, 
	added_by VARCHAR(200) NOT NULL, 
	added_at BIGINT NOT NULL, 
	refreshed_at BIGINT NOT NULL, 
	CONSTRAINT pk_predictor PRIMARY KEY (id), 
	CONSTRAINT uq_predictor_name UNIQUE (name)
);
INSERT INTO "predictor" VALUES(1,'scores','file','0123456789abcdef','{"file": "scores.csv"}','{}',1,'ann',1767225600000000,1767225600000000);
CREATE TABLE "probe" (
	id INTEGER NOT NULL, 
	image_id INTEGER NOT NULL, 
	category_id INTEGER NOT NULL, 
	purpose VARCHAR(10) NOT NULL, 
	certificate_id INTEGER, 
	zone VARCHAR(10), 
	position INTEGER, 
	inclusion_probability FLOAT, 
	drawn_at BIGINT NOT NULL, 
	annotator_id INTEGER, 
	state SMALLINT, 
	answered_at BIGINT, 
	card VARCHAR(64), 
	decision_ms INTEGER, 
	CONSTRAINT pk_probe PRIMARY KEY (id), 
	CONSTRAINT fk_probe_annotator_id_annotator FOREIGN KEY(annotator_id) REFERENCES annotator (id), 
	CONSTRAINT fk_probe_image_id_image FOREIGN KEY(image_id) REFERENCES image (id), 
	CONSTRAINT fk_probe_category_id_category FOREIGN KEY(category_id) REFERENCES category (id), 
	CONSTRAINT fk_probe_certificate_id_certificate FOREIGN KEY(certificate_id) REFERENCES certificate (id)
);
CREATE TABLE setting (
	"key" VARCHAR(200) NOT NULL, 
	value JSON, 
	CONSTRAINT pk_setting PRIMARY KEY ("key")
);
INSERT INTO "setting" VALUES('coco.info','{"year": 2026}');
INSERT INTO "setting" VALUES('import.running','{"file": "labels.json", "applying": false, "categories": [], "people": [], "after": 0, "at": ""}');
CREATE TABLE staged_annotation (
	id INTEGER NOT NULL, 
	path_id INTEGER NOT NULL, 
	category INTEGER NOT NULL, 
	coco_id BIGINT, 
	body JSON NOT NULL, 
	CONSTRAINT pk_staged_annotation PRIMARY KEY (id)
);
INSERT INTO "staged_annotation" VALUES(1,1,0,5,'{"bbox": [1, 2, 3, 4]}');
CREATE TABLE staged_answer (
	id INTEGER NOT NULL, 
	person INTEGER NOT NULL, 
	image_id INTEGER NOT NULL, 
	category INTEGER NOT NULL, 
	state SMALLINT NOT NULL, 
	source SMALLINT NOT NULL, 
	score SMALLINT, 
	CONSTRAINT pk_staged_answer PRIMARY KEY (id)
);
INSERT INTO "staged_answer" VALUES(1,0,1,0,0,5,NULL);
CREATE TABLE staged_category (
	place INTEGER NOT NULL, 
	category_id INTEGER NOT NULL, 
	CONSTRAINT pk_staged_category PRIMARY KEY (place)
);
CREATE TABLE staged_path (
	path_id INTEGER NOT NULL, 
	coco_id BIGINT, 
	extra JSON NOT NULL, 
	CONSTRAINT pk_staged_path PRIMARY KEY (path_id)
);
INSERT INTO "staged_path" VALUES(1,7,'{"license": 3}');
CREATE TABLE version (
	number INTEGER NOT NULL, 
	job_id INTEGER, 
	method VARCHAR(80) NOT NULL, 
	backbone TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	ready BOOLEAN NOT NULL, 
	promoted BOOLEAN NOT NULL, 
	trained_answers INTEGER NOT NULL, 
	trained_present INTEGER NOT NULL, 
	last_operation INTEGER NOT NULL, 
	training_seconds FLOAT NOT NULL, 
	metrics JSON NOT NULL, 
	note TEXT NOT NULL, 
	CONSTRAINT pk_version PRIMARY KEY (number), 
	CONSTRAINT fk_version_job_id_job FOREIGN KEY(job_id) REFERENCES job (id)
);
INSERT INTO "version" VALUES(1,1,'hst','efficientnet-lite0',1767268800000000,1,1,3,2,5,1.5,'{"map": 0.5}','the first');
CREATE TABLE visit (
	id INTEGER NOT NULL, 
	client_id VARCHAR(64) NOT NULL, 
	annotator_id INTEGER NOT NULL, 
	image_id INTEGER NOT NULL, 
	shown BLOB NOT NULL, 
	opened_at BIGINT NOT NULL, 
	closed_at BIGINT NOT NULL, 
	CONSTRAINT pk_visit PRIMARY KEY (id), 
	CONSTRAINT fk_visit_annotator_id_annotator FOREIGN KEY(annotator_id) REFERENCES annotator (id), 
	CONSTRAINT fk_visit_image_id_image FOREIGN KEY(image_id) REFERENCES image (id), 
	CONSTRAINT uq_visit_client_id UNIQUE (client_id)
);
INSERT INTO "visit" VALUES(1,'v-1',1,1,X'03',1767268800000000,1767268804000000);
CREATE TABLE worker (
	name VARCHAR(200) NOT NULL, 
	info JSON NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_worker PRIMARY KEY (name)
);
INSERT INTO "worker" VALUES('desktop-1','{"device": "cpu"}',1767268800000000);
CREATE INDEX ix_job_kind_state ON job (kind, state);
CREATE INDEX ix_lease_holder ON lease (holder);
CREATE INDEX ix_flag_image_id ON flag (image_id);
CREATE INDEX ix_image_path_image_id ON image_path (image_id);
CREATE INDEX ix_operation_annotator_id_id ON operation (annotator_id, id);
CREATE INDEX ix_operation_target ON operation (target);
CREATE INDEX ix_visit_annotator_id_id ON visit (annotator_id, id);
CREATE INDEX ix_visit_image_id ON visit (image_id);
CREATE INDEX ix_answer_image_id_category_id ON answer (image_id, category_id);
CREATE INDEX ix_answer_operation_id ON answer (operation_id);
CREATE INDEX ix_imported_annotation_path_id_category_id ON imported_annotation (path_id, category_id);
CREATE INDEX ix_probe_certificate_id ON probe (certificate_id);
CREATE INDEX ix_probe_card ON probe (card);
CREATE INDEX ix_staged_annotation_path_id ON staged_annotation (path_id);
CREATE INDEX ix_image_path_coco_id ON image_path (coco_id);
CREATE INDEX ix_label_category_id_state ON label (category_id, state);
CREATE INDEX ix_image_same_as ON image (same_as);
CREATE INDEX ix_image_missing_removed ON image (missing, removed);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('operation',7);
INSERT INTO "sqlite_sequence" VALUES('answer',6);
INSERT INTO "sqlite_sequence" VALUES('job',1);
COMMIT;
