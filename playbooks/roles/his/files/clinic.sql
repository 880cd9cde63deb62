-- The records of an invented clinic: same rows on every machine, no real person.
-- Names are drawn from lists of surnames and given-name syllables; there are no identity numbers and no telephones.
-- Prints "changed" when the tables were (with apply=false: would be) made.
SELECT to_regclass('public.patient') IS NULL AS absent \gset
\if :absent
\echo changed
\if :apply
BEGIN;
SET LOCAL ROLE :"owner";
SET LOCAL client_min_messages = warning;
SET LOCAL jit = off;  -- compiling takes longer than the rows

CREATE TABLE department (
    id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);
COMMENT ON TABLE department IS '科室';

CREATE TABLE staff (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    department_id integer NOT NULL REFERENCES department,
    name          text NOT NULL,
    title         text NOT NULL
);
COMMENT ON TABLE staff IS '医护人员';

CREATE TABLE drug (
    id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name  text NOT NULL UNIQUE,
    form  text NOT NULL,
    unit  text NOT NULL,
    price numeric(8, 2) NOT NULL CHECK (price > 0)
);
COMMENT ON TABLE drug IS '药品';

CREATE TABLE patient (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    record_number text NOT NULL UNIQUE,
    name          text NOT NULL,
    sex           text NOT NULL CHECK (sex IN ('男', '女')),
    born_on       date NOT NULL,
    village       text NOT NULL,
    insurance     text NOT NULL,
    allergy       text,
    registered_at timestamptz NOT NULL
);
COMMENT ON TABLE patient IS '患者';
CREATE INDEX patient_name ON patient (name);

CREATE TABLE visit (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    patient_id    bigint NOT NULL REFERENCES patient,
    department_id integer NOT NULL REFERENCES department,
    staff_id      integer NOT NULL REFERENCES staff,
    kind          text NOT NULL CHECK (kind IN ('门诊', '急诊', '住院')),
    complaint     text NOT NULL,
    icd10         text NOT NULL,
    diagnosis     text NOT NULL,
    started_at    timestamptz NOT NULL,
    ended_at      timestamptz CHECK (ended_at >= started_at)
);
COMMENT ON TABLE visit IS '就诊';
CREATE INDEX visit_patient ON visit (patient_id, started_at);
CREATE INDEX visit_started ON visit (started_at);

CREATE TABLE prescription (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number    text NOT NULL UNIQUE,
    visit_id  bigint NOT NULL REFERENCES visit,
    staff_id  integer NOT NULL REFERENCES staff,
    status    text NOT NULL CHECK (status IN ('已开具', '已发药', '已作废')),
    issued_at timestamptz NOT NULL
);
COMMENT ON TABLE prescription IS '处方';
CREATE INDEX prescription_visit ON prescription (visit_id);

CREATE TABLE prescription_item (
    prescription_id bigint NOT NULL REFERENCES prescription ON DELETE CASCADE,
    line            smallint NOT NULL CHECK (line > 0),
    drug_id         integer NOT NULL REFERENCES drug,
    usage           text NOT NULL,
    quantity        integer NOT NULL CHECK (quantity > 0),
    amount          numeric(10, 2) NOT NULL,
    PRIMARY KEY (prescription_id, line)
);
COMMENT ON TABLE prescription_item IS '处方明细';

-- One of 0 … n - 1, always the same for the same topic and number, on every release of PostgreSQL.
CREATE FUNCTION pg_temp.pick(topic text, number bigint, n integer) RETURNS integer
    IMMUTABLE LANGUAGE sql AS
$$ SELECT ('x' || substr(md5(topic || ':' || number), 1, 7))::bit(28)::integer % n $$;

CREATE FUNCTION pg_temp.pick(topic text, number bigint, choices text[]) RETURNS text
    IMMUTABLE LANGUAGE sql AS
$$ SELECT choices[1 + pg_temp.pick(topic, number, cardinality(choices))] $$;

CREATE FUNCTION pg_temp.surname(number bigint, topic text) RETURNS text IMMUTABLE LANGUAGE sql AS
$$ SELECT pg_temp.pick(topic || ' surname', number, string_to_array(
    '王 李 张 刘 陈 杨 黄 赵 吴 周 徐 孙 马 朱 胡 郭 何 高 林 罗 郑 梁 谢 宋 唐 许 韩 冯 邓 曹 彭 曾 肖 田 董 袁 潘 于 蒋 蔡 余 '
    '杜 叶 程 苏 魏 吕 丁 任 沈 姚 卢 姜 崔 钟 谭 陆 汪 范 金 石 廖 贾 夏 韦 付 方 白 邹 孟 熊 秦 邱 江 尹 薛 闫 段 雷 侯 龙 史 '
    '陶 黎 贺 顾 毛 郝 龚 邵 万 钱 严 覃 武 戴 莫 孔 向 汤 欧阳 上官 司马', ' ')) $$;

CREATE FUNCTION pg_temp.given(number bigint, topic text, woman boolean) RETURNS text IMMUTABLE LANGUAGE sql AS
$$ SELECT pg_temp.pick(topic || ' first', number, CASE WHEN woman
        THEN string_to_array('秀 玉 桂 淑 雪 春 月 丽 美 婉 清 若 思 雨 梦 佳 慧 静 晓 彩 翠 兰 凤 巧 素 芳 香 红 金 爱', ' ')
        ELSE string_to_array('建 国 志 文 明 永 德 海 金 玉 春 家 立 天 宏 俊 子 浩 宇 振 成 光 少 东 世 长 庆 福 万 大', ' ') END)
    || CASE WHEN pg_temp.pick(topic || ' length', number, 5) = 0 THEN '' ELSE pg_temp.pick(topic || ' second', number, CASE WHEN woman
        THEN string_to_array('英 兰 芳 梅 珍 华 霞 娟 萍 玲 芬 燕 云 莲 琴 娥 凤 红 香 琳 怡 欣 涵 妍 洁 婷 雯 琪 敏 荣', ' ')
        ELSE string_to_array('军 强 平 华 辉 勇 生 林 波 斌 鹏 杰 涛 超 峰 龙 刚 祥 贵 才 民 山 根 良 兴 旺 轩 然 博 航', ' ') END) END $$;

INSERT INTO department (name)
SELECT unnest(ARRAY['全科医疗科', '内科', '外科', '儿科', '妇产科', '中医科', '口腔科', '急诊科', '预防保健科', '检验科']);

INSERT INTO staff (department_id, name, title)
SELECT 1 + (number - 1) % 10,
       pg_temp.surname(number, 'staff') || pg_temp.given(number, 'staff', number % 2 = 0),
       pg_temp.pick('title', number, ARRAY['主任医师', '副主任医师', '主治医师', '主治医师', '医师', '医师', '助理医师'])
FROM generate_series(1, 40) AS number;

INSERT INTO drug (name, form, unit, price) VALUES
    ('阿莫西林胶囊', '0.25g×24粒', '盒', 8.60), ('头孢呋辛酯片', '0.25g×12片', '盒', 16.80),
    ('布洛芬缓释胶囊', '0.3g×20粒', '盒', 14.50), ('对乙酰氨基酚片', '0.5g×12片', '盒', 3.20),
    ('苯磺酸氨氯地平片', '5mg×14片', '盒', 9.90), ('缬沙坦胶囊', '80mg×7粒', '盒', 11.40),
    ('二甲双胍片', '0.5g×20片', '盒', 5.80), ('格列美脲片', '2mg×15片', '盒', 13.60),
    ('阿托伐他汀钙片', '20mg×7片', '盒', 12.30), ('阿司匹林肠溶片', '100mg×30片', '盒', 15.10),
    ('奥美拉唑肠溶胶囊', '20mg×14粒', '盒', 7.40), ('铝碳酸镁咀嚼片', '0.5g×20片', '盒', 18.90),
    ('氨溴索口服液', '100ml', '瓶', 19.60), ('复方甘草片', '100片', '瓶', 6.50),
    ('氯雷他定片', '10mg×6片', '盒', 8.20), ('蒙脱石散', '3g×10袋', '盒', 12.80),
    ('口服补液盐散', '5.125g×6袋', '盒', 9.30), ('板蓝根颗粒', '10g×20袋', '袋', 11.00),
    ('连花清瘟胶囊', '0.35g×24粒', '盒', 14.80), ('藿香正气水', '10ml×10支', '盒', 7.90),
    ('六味地黄丸', '200丸', '瓶', 10.50), ('复方丹参滴丸', '27mg×180丸', '瓶', 26.40),
    ('红霉素软膏', '1%×10g', '支', 2.60), ('碘伏消毒液', '100ml', '瓶', 4.30),
    ('氯化钠注射液', '0.9%×250ml', '袋', 3.80), ('葡萄糖注射液', '5%×250ml', '袋', 3.90),
    ('维生素C片', '0.1g×100片', '瓶', 4.80), ('叶酸片', '0.4mg×31片', '盒', 17.20),
    ('硝苯地平控释片', '30mg×7片', '盒', 21.50), ('双氯芬酸钠乳膏', '20g', '支', 13.90);

INSERT INTO patient (record_number, name, sex, born_on, village, insurance, allergy, registered_at)
SELECT 'QH' || to_char(number, 'FM00000000'),
       pg_temp.surname(number, 'patient') || pg_temp.given(number, 'patient', woman),
       CASE WHEN woman THEN '女' ELSE '男' END,
       date '1936-01-01' + pg_temp.pick('born', number, 31900),
       pg_temp.pick('village', number, ARRAY['清河', '柳树', '石桥', '东岭', '西塘', '松林', '荷塘', '古井', '新桥', '竹园', '云台', '梨树'])
           || '村' || 1 + pg_temp.pick('team', number, 12) || '组',
       pg_temp.pick('insurance', number, ARRAY['城乡居民医保', '城乡居民医保', '城乡居民医保', '城镇职工医保', '自费']),
       CASE pg_temp.pick('allergy', number, 12) WHEN 0 THEN '青霉素' WHEN 1 THEN '头孢类' WHEN 2 THEN '磺胺类' END,
       timestamptz '2023-05-08 08:00+08' + pg_temp.pick('registered', number, 520) * interval '1 day'
           + pg_temp.pick('registered at', number, 32400) * interval '1 second'
FROM generate_series(1, 3000) AS number, LATERAL (SELECT pg_temp.pick('sex', number, 100) < 51 AS woman) AS sex;

-- Department, complaint, ICD-10 and diagnosis; the last one only for women of its age.
CREATE TEMPORARY TABLE reason (number, department, complaint, icd10, diagnosis) ON COMMIT DROP AS VALUES
    (0, '全科医疗科', '咳嗽、咽痛3天', 'J06.9', '急性上呼吸道感染'), (1, '内科', '头晕1周', 'I10', '原发性高血压'),
    (2, '内科', '口干、多饮1月', 'E11.9', '2型糖尿病'), (3, '内科', '腹痛、腹泻1天', 'K52.9', '胃肠炎'),
    (4, '内科', '上腹隐痛2周', 'K29.7', '胃炎'), (5, '中医科', '腰痛5天', 'M54.5', '腰痛'),
    (6, '全科医疗科', '咳嗽、咳痰1周', 'J20.9', '急性支气管炎'), (7, '急诊科', '胸闷半天', 'I25.1', '冠状动脉粥样硬化性心脏病'),
    (8, '全科医疗科', '皮疹、瘙痒2天', 'L50.9', '荨麻疹'), (9, '口腔科', '牙痛3天', 'K04.0', '牙髓炎'),
    (10, '外科', '膝关节疼痛1月', 'M17.9', '膝骨关节病'), (11, '外科', '足踝扭伤2小时', 'S93.4', '踝扭伤'),
    (12, '急诊科', '发热1天', 'R50.9', '发热'), (13, '中医科', '失眠2周', 'G47.0', '失眠'),
    (14, '预防保健科', '健康体检', 'Z00.0', '一般医学检查'), (15, '妇产科', '产前检查', 'Z34.9', '正常妊娠监督');

INSERT INTO visit (patient_id, department_id, staff_id, kind, complaint, icd10, diagnosis, started_at, ended_at)
SELECT patient.id, department.id, department.id + 10 * pg_temp.pick('doctor', visit_number, 4), kind, complaint, icd10, diagnosis,
       started,
       started + CASE kind WHEN '住院' THEN (2 + pg_temp.pick('days', visit_number, 9)) * interval '1 day'
                 ELSE (8 + pg_temp.pick('minutes', visit_number, 70)) * interval '1 minute' END
FROM generate_series(1, 9000) AS visit_number
JOIN patient ON patient.id = 1 + pg_temp.pick('patient of visit', visit_number, 3000)
JOIN reason ON reason.number = pg_temp.pick('reason', visit_number,
    CASE WHEN sex = '女' AND born_on BETWEEN '1985-01-01' AND '2003-12-31' THEN 16 ELSE 15 END)
JOIN department ON department.name = reason.department
CROSS JOIN LATERAL (
    SELECT CASE department.name WHEN '急诊科' THEN '急诊'
           ELSE pg_temp.pick('kind', visit_number, ARRAY['门诊', '门诊', '门诊', '门诊', '门诊', '门诊', '门诊', '住院']) END AS kind,
           registered_at + pg_temp.pick('day of visit', visit_number, 700) * interval '1 day'
         + pg_temp.pick('second of visit', visit_number, 7200) * interval '1 second' AS started
) AS drawn
ORDER BY started, visit_number;

INSERT INTO prescription (number, visit_id, staff_id, status, issued_at)
SELECT 'CF' || to_char(issued, 'YYYYMMDD') || to_char(visit.id, 'FM000000'), visit.id, visit.staff_id,
       pg_temp.pick('status', visit.id, ARRAY['已发药', '已发药', '已发药', '已发药', '已发药', '已发药', '已发药', '已开具', '已作废']),
       issued
FROM visit, LATERAL (SELECT visit.started_at + (5 + pg_temp.pick('issued', visit.id, 60)) * interval '1 minute' AS issued) AS moment
WHERE pg_temp.pick('prescribed', visit.id, 5) > 0
ORDER BY visit.id;

INSERT INTO prescription_item (prescription_id, line, drug_id, usage, quantity, amount)
SELECT prescription.id, line, drug.id,
       pg_temp.pick('usage', draw, ARRAY['口服 一日三次 一次一片', '口服 一日两次 一次一粒', '口服 一日一次', '饭后口服 一日三次', '外用 一日两次', '静脉滴注 一日一次']),
       quantity, quantity * drug.price
FROM prescription
CROSS JOIN LATERAL generate_series(1, 1 + pg_temp.pick('lines', prescription.id, 4)) AS line
CROSS JOIN LATERAL (SELECT prescription.id * 8 + line AS draw) AS seed
CROSS JOIN LATERAL (SELECT 1 + pg_temp.pick('quantity', draw, 3) AS quantity) AS amount
JOIN drug ON drug.id = 1 + (pg_temp.pick('drug', prescription.id, 30) + line * 7) % 30;

COMMIT;
ANALYZE;
\endif
\endif
